package limits

// Bounds of package report and of `verify --batch`. A report repeats what
// certificates and signatures say, and those are written by strangers.
const (
	// ReportValue bounds one value of a report in characters: the longest names
	// of real certificates have some hundred, a policy notice has a thousand.
	ReportValue = 2000
	// ReportSigners bounds the signatures that a protocol for people describes;
	// CMSSigners is more than anybody reads. The JSON report has all of them.
	ReportSigners = 200
	// ReportEvidence bounds the pieces of evidence that are listed for one
	// signature: a chain has a handful of certificates, each with one or two.
	ReportEvidence = 32
	// ReportNested bounds how deep countersignatures are shown inside each other.
	ReportNested = 4
	// ReportAttachments bounds the time stamps and countersignatures that are
	// shown for one signature, and ReportSections what is shown altogether.
	ReportAttachments = 32
	ReportSections    = 600
	// ReportEmbedded bounds an object that an ETSI report carries whole, in
	// octets; of a larger one (revocation lists have tens of MB) it has the digest.
	ReportEmbedded = 64 << 10

	// BatchFiles bounds the files that one batch takes: their names are held in
	// memory, about 300 octets each.
	BatchFiles = 1 << 20
	// BatchDepth bounds how deep folders are walked.
	BatchDepth = 64
	// BatchWindow is how many documents per worker may be finished or under way
	// before their turn to be printed comes.
	BatchWindow = 8
	// BatchWhole is the longest signature of a batch that is read into memory
	// before it is parsed; a longer one streams.
	BatchWhole = 64 << 10
	// BatchJobs bounds --jobs: each job holds open files and a message.
	BatchJobs = 256
)
