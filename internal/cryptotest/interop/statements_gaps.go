package main

// declaredStatementGaps are the gaps of the second table.
var declaredStatementGaps = []statementGap{}
