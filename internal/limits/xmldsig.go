package limits

// XML signatures and the trust-service list (packages xmldsig and trust).
const (
	// XMLBytes bounds one XML document. The Russian trust-service list has
	// about 10 MB.
	XMLBytes = 64 << 20

	// XMLDepth bounds the nesting of elements. The list nests 10 levels, SOAP
	// messages with signatures about 20; every level costs a stack frame.
	XMLDepth = 128

	// XMLNodes bounds the elements, texts, comments and attributes of one
	// document: each takes about 100 octets of memory. The list has about 300,000.
	XMLNodes = 1 << 21

	// XMLAttributes bounds the attributes and namespace declarations of one
	// element, because looking for repetitions is quadratic.
	XMLAttributes = 128

	// XMLSignatures bounds the signatures of one document that are looked at.
	XMLSignatures = 64

	// XMLReferences bounds the references of one signature: each may
	// canonicalize the whole document. Real signatures have one to three.
	XMLReferences = 16

	// XMLTransforms bounds the transforms of one reference. Real ones have two.
	XMLTransforms = 8

	// XMLPrefixes bounds the PrefixList of one exclusive canonicalization.
	XMLPrefixes = 64

	// XMLWork bounds the nodes that are written while one signature is
	// verified: a few passes over the largest document.
	XMLWork = 4 * XMLNodes

	// XMLWorkOctets is how many octets of a canonical form count as one node of
	// XMLWork.
	XMLWorkOctets = 64

	// XMLCertificates bounds the certificates that one KeyInfo carries.
	XMLCertificates = 16
)
