package limits

const (
	// PolicyFile bounds a policy file of package verify: the shipped ones have 3
	// KiB. Its parts are bounded so that what was read can be written again
	// within the same limit, every character escaped.
	PolicyFile = 256 << 10
	// PolicyText bounds a title or description in octets.
	PolicyText = 4 << 10
	// PolicyInitial bounds the initial policies of path validation; a purchaser
	// names one or a few.
	PolicyInitial = 64
)
