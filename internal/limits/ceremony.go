package limits

// Bounds of key ceremonies.
const (
	// CeremonyPlan bounds a plan in octets: some twenty steps and as many
	// people are a few KiB.
	CeremonyPlan = 256 << 10
	// CeremonySteps bounds the steps of a plan: each is read aloud and
	// confirmed by a person.
	CeremonySteps = 200
	// CeremonyPeople bounds those who take part.
	CeremonyPeople = 100
	// CeremonyLists bounds the lists that one step signs ahead: a list a month
	// for forty years.
	CeremonyLists = 480
	// CeremonyText bounds a text of a plan in octets: a title, a place, a name.
	CeremonyText = 1 << 10
	// CeremonyAddresses bounds each kind of addresses of an authority.
	CeremonyAddresses = 16
	// CeremonyFile bounds each file that a ceremony reads besides: requests,
	// certificates, lists, its own records.
	CeremonyFile = 16 << 20
	// CeremonyWitnesses bounds the signatures beside a transcript.
	CeremonyWitnesses = CeremonyPeople
)
