package limits

// Bounds of the verification service (package server). What a portal may send
// is bounded by its operator; these are the values without an operator's word.
const (
	// ServiceSize bounds one document and one signature file. Files of 2 GB
	// are sent in practice; they are streamed, so the bound protects the line
	// and the temporary space, not the memory.
	ServiceSize = 4 << 30

	// ServiceTemp bounds the temporary files of all requests together: what
	// arrives before it can be verified waits there.
	ServiceTemp = 16 << 30

	// ServiceMemory is what is kept of one part in memory before a temporary
	// file is made. Signatures have 2 to 100 KiB, with evidence more.
	ServiceMemory = 256 << 10

	// ServiceElement and ServiceTotal are CMSElement and CMSTotal for strangers
	// whose messages are read side by side: room for an archived signature
	// with lists of some megabytes.
	ServiceElement = 8 << 20
	ServiceTotal   = 16 << 20

	// ServiceParts bounds the parts of a form; the form has six.
	ServiceParts = 16

	// ServicePartHeader bounds what stands before one part: boundary and header.
	// The name of a file is the only thing in it that can be long.
	ServicePartHeader = 16 << 10

	// ServiceField bounds a field that is no file: a policy, a language, a time.
	ServiceField = 256

	// ServiceHeader bounds the header of a request.
	ServiceHeader = 32 << 10

	// ServiceDrain is what is still read from a client whose request was
	// refused, so that it gets to read the answer.
	ServiceDrain = 1 << 20

	// ServiceConnections bounds the connections of the service, those without
	// a request included: each costs a descriptor and some KiB.
	ServiceConnections = 1024
	// ServiceClientConnections bounds those of one address of another machine:
	// a proxy on it has enough, and nobody takes them all.
	ServiceClientConnections = 128
)
