package limits

// Bounds of `cert expiring`.
const (
	// ExpiryNotices bounds the file that remembers which notices were sent: a
	// million of them at 250 octets each.
	ExpiryNotices = 256 << 20

	// ExpiryLine bounds one line of that file.
	ExpiryLine = 4096

	// ExpiryDays bounds --days: a hundred years.
	ExpiryDays = 36525

	// ExpiryStages bounds how many times one certificate is reminded of.
	ExpiryStages = 20
)
