package limits

import "time"

// Bounds of the operator's page.
const (
	// PageRows is how many rows a list of the operator's page shows at once.
	PageRows = 50

	// PageJournalScan bounds the journal records that one page looks at where a
	// filter lets few of them pass: the reader is then offered to go on.
	PageJournalScan = 5000

	// PageSearchText bounds what is searched for, in octets.
	PageSearchText = 200

	// PageNodes bounds the chains of the journal that are offered to choose
	// from: more nodes than an authority has.
	PageNodes = 256

	// PageFile bounds a signature that a person uploads, in octets. The bound of
	// a statement's signature is lower; this one is for a clear answer.
	PageFile = 1 << 20

	// PageClip is how many characters of a name a list shows; the page of one
	// thing shows all of them.
	PageClip = 160

	// PagePrepare bounds the time in which the rules look at a request that is
	// shown.
	PagePrepare = 10 * time.Second
)
