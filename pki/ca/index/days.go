package index

import (
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// secondsADay is the length of a UTC day: leap seconds are not counted by
// Unix time.
const secondsADay = 24 * 60 * 60

// Day returns the number of the UTC day in which a time lies, counted from 1
// January 1970.
func Day(t time.Time) int64 {
	n := t.Unix()
	day := n / secondsADay
	if n%secondsADay < 0 {
		day--
	}
	return day
}

// DayStart returns the beginning of a day.
func DayStart(day int64) time.Time { return time.Unix(day*secondsADay, 0).UTC() }

// Days returns the numbers of the first day and of the one behind the last of
// those that begin before to and end behind from.
func Days(from, to time.Time) (first, end int64) {
	end = Day(to)
	if to.After(DayStart(end)) {
		end++
	}
	return Day(from), end
}

// A Tally sums up what changes in the counts of days, by their numbers.
type Tally map[int64]ca.DayCount

// Add counts a new entry: its issue, its expiry and, for an entry that comes
// from a copy, its revocation.
func (t Tally) Add(e ca.Entry) {
	t.count(e.IssuedAt, 1, 0, 0)
	t.count(e.NotAfter, 0, 0, 1)
	if e.Status == ca.Revoked {
		t.count(e.RevokedAt, 0, 1, 0)
	}
}

// Change counts a revocation. One is final, so it is never taken back; a hold
// is none.
func (t Tally) Change(old, now ca.Entry) {
	if old.Status != ca.Revoked && now.Status == ca.Revoked {
		t.count(now.RevokedAt, 0, 1, 0)
	}
}

func (t Tally) count(at time.Time, issued, revoked, expiring int) {
	if at.IsZero() {
		return // unknown
	}
	day := Day(at)
	c := t[day]
	c.Issued, c.Revoked, c.Expiring = c.Issued+issued, c.Revoked+revoked, c.Expiring+expiring
	t[day] = c
}
