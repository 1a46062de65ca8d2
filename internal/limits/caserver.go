package limits

import "time"

// Bounds of the authority's service over HTTPS: EST and the API of requests.
const (
	// CAServerBody bounds the body of one request in octets: a request for a
	// certificate of CertificateBytes in Base64, with room for line breaks, or a
	// statement with its signature.
	CAServerBody = 2 << 20

	// CAServerPage bounds the entries of one page of a list.
	CAServerPage = 500

	// CAServerClients bounds the addresses whose rate is remembered one by one;
	// those beyond it share one allowance. One takes about 100 octets.
	CAServerClients = 1 << 16

	// CAServerSessions bounds the sessions of operators: several for each of
	// the people of a large authority.
	CAServerSessions = 4096

	// CAServerPasswords bounds the passwords that are checked at a time: each
	// takes a processor for tens of milliseconds.
	CAServerPasswords = 2

	// CAServerRefusals bounds the refusals a minute that strangers may put on
	// record: each is a synced write, and the journal is kept for ever.
	CAServerRefusals = 60

	// CAServerChallenge is how long a challenge may be answered: time to sign on
	// a token with a PIN.
	CAServerChallenge = 5 * time.Minute

	// CAServerSession is how long a session lasts: a working day.
	CAServerSession = 8 * time.Hour

	// ESTAccounts bounds the accounts of EST clients in one file.
	ESTAccounts = 10_000

	// ESTAccountsBytes bounds that file.
	ESTAccountsBytes = 4 << 20
)
