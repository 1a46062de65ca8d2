package main

// declaredStatementGaps are the gaps of the second table.
var declaredStatementGaps = []statementGap{
	{peer: "GnuTLS", files: []string{"large.crl"}, unoffered: true, note: "certtool's time grows with the square of the number of entries: it was not asked"},
}
