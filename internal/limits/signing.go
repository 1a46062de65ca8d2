package limits

// SignWindow bounds the files of one `sign` that are signed and on their way to
// the disk: each holds an open file. A disk writes that many in little more time
// than one.
const SignWindow = 64
