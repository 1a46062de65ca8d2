package trust

import (
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// State is what a status of the list means. The zero value is Unknown.
type State string

// The states of an authority's accreditation.
const (
	Unknown    State = ""           // a text that this package does not know
	Active     State = "active"     // Действует
	Suspended  State = "suspended"  // Приостановлена
	Terminated State = "terminated" // Прекращена, Досрочно прекращена, Аннулирована
)

// stateOf reads a status. Only what says plainly that the accreditation is in
// force is Active; editions of the list differ in the words for its end.
func stateOf(text string) State {
	t := strings.ToLower(strings.Join(strings.Fields(text), " "))
	switch {
	case t == "действует", t == "действующая", t == "действующий":
		return Active
	case strings.Contains(t, "приостановлен"):
		return Suspended
	case strings.Contains(t, "прекращен"), strings.Contains(t, "прекращён"), strings.Contains(t, "аннулирован"),
		strings.Contains(t, "не действует"), strings.Contains(t, "истек"), strings.Contains(t, "истёк"):
		return Terminated
	}
	return Unknown
}

// Reason says on what an Answer rests.
type Reason string

// The reasons of an Answer.
const (
	ReasonStatus      Reason = "status"       // the status that was in force on the day
	ReasonNotListed   Reason = "not-listed"   // no authority of the list has the issuer's key
	ReasonBefore      Reason = "before"       // the day is before the history begins
	ReasonAfter       Reason = "after"        // the day is after the list was published
	ReasonUnknownText Reason = "unknown-text" // the status has a text that is not known here
	ReasonConflict    Reason = "conflict"     // two entries contradict each other
	ReasonNoKey       Reason = "no-key"       // the issuer's key cannot be read
)

// Answer is what a list says of an authority on a day.
type Answer struct {
	State  State // Unknown wherever it cannot be established
	Reason Reason
	// Authority is the entry that decided, nil where there is none.
	Authority *Authority
	// Status is the entry of its history that was in force; zero where none was.
	Status Status
}

// Accreditation says what the list knows of the accreditation of the authority
// with issuer's key on the day: the status that was in force then (63-FZ,
// article 11, clause 1: the qualified certificate was created and issued by an
// authority whose accreditation is in force on the day of issue). The loss of
// the accreditation afterwards does not matter. A day that neither the history
// nor the present status covers, and one after the publication of the list, is
// Unknown.
func (l *List) Accreditation(issuer *pki.Certificate, day time.Time) Answer {
	hash, err := keyHash(issuer)
	if err != nil {
		return Answer{Reason: ReasonNoKey}
	}
	found := l.keys[hash]
	if len(found) == 0 {
		return Answer{Reason: ReasonNotListed}
	}
	out := l.Authorities[found[0]].on(day, l.Date)
	out.Authority = &l.Authorities[found[0]]
	// After a transfer two authorities may name one key; where they disagree
	// the list does not say whose certificate it was.
	for _, i := range found[1:] {
		if other := l.Authorities[i].on(day, l.Date); other.State != out.State {
			return Answer{Reason: ReasonConflict, Authority: out.Authority, Status: out.Status}
		}
	}
	return out
}

// on returns the status in force at a moment, by a list of the given date.
func (a *Authority) on(day, published time.Time) Answer {
	if day.After(published) {
		return Answer{Reason: ReasonAfter}
	}
	i := slices.IndexFunc(a.Statuses, func(s Status) bool { return s.Since.After(day) })
	if i < 0 {
		i = len(a.Statuses)
	}
	if i == 0 {
		return Answer{Reason: ReasonBefore}
	}
	out := Answer{Reason: ReasonStatus, Status: a.Statuses[i-1], State: a.Statuses[i-1].State}
	for _, s := range a.Statuses[:i-1] {
		if s.Since.Equal(out.Status.Since) && s.State != out.State {
			return Answer{Reason: ReasonConflict, Status: out.Status}
		}
	}
	if out.State == Unknown {
		out.Reason = ReasonUnknownText
	}
	return out
}

// Current returns the status in force when the list was published.
func (l *List) Current(a *Authority) Status { return a.on(l.Date, l.Date).Status }

// MaxAge is the age above which a list or bundle is called outdated. The list is
// published every working day; a month is what an offline place can keep up.
const MaxAge = 30 * 24 * time.Hour

// Outdated reports whether the list is older than MaxAge.
func (l *List) Outdated(now time.Time) bool { return now.Sub(l.Date) > MaxAge }
