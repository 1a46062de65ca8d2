package ledgertest

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// person returns an entry of a subscriber, of which what a search finds it by
// differs by n.
func person(n byte, subject string, notAfter time.Time) ca.Entry {
	e := entry(n)
	e.Serial[0], e.Subject, e.NotAfter = 0x4a, subject, notAfter
	return e
}

// fillPersons puts certificates on a ledger that differ in all that is indexed.
func fillPersons(t testing.TB, l ca.Ledger) {
	t.Helper()
	all := []ca.Entry{
		person(1, "CN=Семёнов Пётр,SN=Семёнов,G=Пётр Ильич,INN=770708389312,SNILS=11223344595,E=Petr@Example.ru", now.AddDate(0, 0, 3)),
		person(2, "CN=Семенова Анна-Мария,SN=Семенова,G=Анна-Мария", now.AddDate(0, 0, 1)),
		person(3, `CN=ООО \"Ромашка\",OGRN=1027700132195,INNLE=7707083893`, now.AddDate(0, 0, 3)),
		person(4, "CN=Петров Семён", now.AddDate(0, 0, 3).Add(-time.Second)),
		person(5, "not a name: дед", time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)),
	}
	all[4].Serial = ca.Serial{} // short: most octets are zeros, and not written
	all[4].Serial[17], all[4].Serial[18], all[4].Serial[19] = 0xde, 0xad, 5
	all[3].IssuedAt = now.AddDate(0, 0, -1)
	for _, e := range all {
		update(t, l, func(tx ca.Tx) error { return tx.Add(e, der(1)) })
	}
}

// last returns what tells the entries of fillPersons apart.
func last(entries []ca.Entry) []byte {
	var out []byte
	for _, e := range entries {
		out = append(out, e.Serial[ca.SerialSize-1])
	}
	return out
}

func testSearch(t *testing.T, open Open) {
	l := mustOpen(t, open)
	fillPersons(t, l)
	view(t, l, func(tx ca.ReadTx) error {
		checkSearch(t, tx)
		return nil
	})
	update(t, l, func(tx ca.Tx) error { // a change sees its own
		if err := tx.Add(person(6, "CN=Семён Новый", now), der(6)); err != nil {
			return err
		}
		found, err := tx.Search("новый семен", ca.Serial{}, 10)
		if !slices.Equal(last(found), []byte{6}) {
			t.Errorf("a change does not find its own: %v", last(found))
		}
		return err
	})
}

func checkSearch(t *testing.T, tx ca.ReadTx) {
	t.Helper()
	zero := ca.Serial{}
	for _, tt := range []struct {
		text  string
		after ca.Serial
		n     int
		want  []byte
	}{
		{"семен", zero, 10, []byte{1, 2, 4}},
		{"СЕМЁН", zero, 10, []byte{1, 2, 4}},
		{"семен", zero, 2, []byte{1, 2}},
		{"семен", person(2, "", now).Serial, 2, []byte{4}},
		{"семен", zero, 0, nil},
		{"семенов", zero, 10, []byte{1, 2}},
		{"пет семен", zero, 10, []byte{1, 4}},
		{"мария анна", zero, 10, []byte{2}},
		{"Анна-Мария", zero, 10, []byte{2}},
		{"петр@exa", zero, 10, nil},
		{"petr@EXA", zero, 10, []byte{1}},
		{"example.ru", zero, 10, []byte{1}},
		{"770708389", zero, 10, []byte{1, 3}},
		{"7707083893", zero, 10, []byte{1, 3}},
		{"77070838931", zero, 10, []byte{1}},
		{"112-233-445 95", zero, 10, []byte{1}},
		{"10277", zero, 10, []byte{3}},
		{"ромашка", zero, 10, []byte{3}},
		{"дед", zero, 10, []byte{5}},
		{"dead", zero, 10, []byte{5}},
		{"0xDE:AD:05", zero, 10, []byte{5}},
		{"0000dead", zero, 10, []byte{5}},
		{"deae", zero, 10, nil},
		{"4a00", zero, 10, []byte{1, 2, 3, 4}},
		{"4a0", person(1, "", now).Serial, 2, []byte{2, 3}},
		{person(3, "", now).Serial.String(), zero, 10, []byte{3}},
		{person(3, "", now).Serial.String() + "0", zero, 10, nil},
		{"никто", zero, 10, nil},
		{"citizen", zero, 10, nil}, // the profile is not the subject
	} {
		got, err := tx.Search(tt.text, tt.after, tt.n)
		if err != nil || !slices.Equal(last(got), tt.want) {
			t.Errorf("Search(%q, %s, %d): %v, %v; want %v", tt.text, tt.after, tt.n, last(got), err, tt.want)
		}
	}
	for _, text := range []string{"", " ", "a", "ё", "-", "%_", "\x00", strings.Repeat("а", 101), "::::"} {
		if got, err := tx.Search(text, zero, 10); !errors.Is(err, ca.ErrSearchText) {
			t.Errorf("Search(%q): %v, %v", text, last(got), err)
		}
	}
	if _, err := tx.Search("\xff\xfe ab", zero, 10); err != nil {
		t.Errorf("what is not UTF-8: %v", err)
	}
}

func testExpiring(t *testing.T, open Open) {
	l := mustOpen(t, open)
	fillPersons(t, l)
	day := func(n int) time.Time { return now.AddDate(0, 0, n) }
	view(t, l, func(tx ca.ReadTx) error {
		for _, tt := range []struct {
			from, to time.Time
			after    byte
			n        int
			want     []byte
		}{
			{day(0), day(9), 0, 10, []byte{2, 4, 1, 3}},
			{day(0), day(9), 0, 3, []byte{2, 4, 1}},
			{day(0), day(9), 4, 3, []byte{1, 3}},
			{day(0), day(9), 1, 3, []byte{3}},
			{day(0), day(9), 3, 3, nil},
			{day(2), day(9), 2, 9, []byte{4, 1, 3}}, // one before the time
			{day(1), day(3), 0, 9, []byte{2, 4}},    // from is in, to is not
			{day(1).Add(1), day(3).Add(1), 0, 9, []byte{4, 1, 3}},
			{day(9), day(0), 0, 9, nil},
			{time.Unix(-10, 0), time.Unix(10, 0), 0, 9, []byte{5}},
			{time.Time{}, day(99), 0, 9, []byte{5, 2, 4, 1, 3}},
			{day(0), day(9), 0, 0, nil},
		} {
			after := ca.Serial{}
			if tt.after > 0 {
				after = person(tt.after, "", now).Serial
			}
			got, err := tx.Expiring(tt.from, tt.to, after, tt.n)
			if err != nil || !slices.Equal(last(got), tt.want) {
				t.Errorf("Expiring(%v, %v, %d, %d): %v, %v; want %v", tt.from, tt.to, tt.after, tt.n, last(got), err, tt.want)
			}
		}
		_, err := tx.Expiring(day(0), day(9), serial(99), 9)
		wantErr(t, "behind one that is not there", err, ca.ErrNotFound)
		return nil
	})
}

// days writes counts as text: the day, and what was issued, revoked and expires.
func days(t *testing.T, all iter.Seq2[ca.DayCount, error]) []string {
	t.Helper()
	var out []string
	for d, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		if !d.Day.Equal(d.Day.Truncate(24*time.Hour)) || d.Day.Location() != time.UTC {
			t.Errorf("not the beginning of a day: %v", d.Day)
		}
		out = append(out, fmt.Sprintf("%s %d %d %d", d.Day.Format("01-02"), d.Issued, d.Revoked, d.Expiring))
	}
	return out
}

func testDays(t *testing.T, open Open) {
	l := mustOpen(t, open)
	fillPersons(t, l)
	revoke := func(n byte, s ca.Status, r ca.Reason) {
		update(t, l, func(tx ca.Tx) error {
			e := person(n, "", now)
			e.Status, e.Reason, e.RevokedAt = s, r, now.AddDate(0, 0, 1)
			return tx.SetStatus(e)
		})
	}
	revoke(1, ca.OnHold, ca.CertificateHold)
	revoke(2, ca.Revoked, ca.Superseded)
	revoke(2, ca.Revoked, ca.Superseded) // said again
	want := []string{"12-31 0 0 1", "06-01 1 0 0", "06-02 4 0 0", "06-03 0 1 1", "06-05 0 0 3"}
	boom := errors.New("boom")
	wantErr(t, "taken back", tryUpdate(t.Context(), l, func(tx ca.Tx) error {
		if err := tx.Add(entry(9), der(9)); err != nil {
			return err
		}
		if got := days(t, tx.Days(now, now)); !slices.Equal(got, []string{"06-02 5 0 0"}) {
			t.Errorf("a change does not see its own: %q", got)
		}
		return boom
	}), boom)
	midnight := time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC)
	view(t, l, func(tx ca.ReadTx) error {
		for _, tt := range []struct {
			from, to time.Time
			want     []string
		}{
			{time.Time{}, now.AddDate(9, 0, 0), want},
			{now, now.AddDate(0, 0, 1), want[2:4]},
			{now, midnight, want[2:3]},
			{now, midnight.Add(time.Nanosecond), want[2:4]},
			{now, now.AddDate(-1, 0, 0), nil},
			{time.Unix(-1, 0), time.Unix(0, 0), want[:1]},
			{time.Unix(0, 0), time.Unix(1, 0), nil},
		} {
			if got := days(t, tx.Days(tt.from, tt.to)); !slices.Equal(got, tt.want) {
				t.Errorf("Days(%v, %v): %q, want %q", tt.from, tt.to, got, tt.want)
			}
		}
		for range tx.Days(time.Time{}, now) {
			break // an iteration may be left
		}
		return nil
	})
}

// testIndexPages: more certificates than a page or a part of an index holds.
func testIndexPages(t *testing.T, open Open) {
	l := mustOpen(t, open)
	const batches, each = 12, 1000
	for b := range batches {
		update(t, l, func(tx ca.Tx) error {
			for n := range each {
				e := entry(byte(n))
				e.Serial[0], e.Serial[10], e.Serial[11], e.Serial[12] = 1, byte(b), byte(n>>8), byte(n)
				e.Subject = fmt.Sprintf("CN=Иванов Иван Номер%d", b*each+n)
				e.NotAfter = now.Add(time.Duration(b*each+n) * time.Minute)
				if err := tx.Add(e, der(1)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	view(t, l, func(tx ca.ReadTx) error {
		_, err := tx.Search("иванов иван", ca.Serial{}, 9000)
		if err != nil { // the first thousand are enough
			t.Error(err)
		}
		_, err = tx.Search("иван ива ник", ca.Serial{}, 10)
		if err != nil {
			t.Errorf("a rare word among common ones: %v", err)
		}
		_, err = tx.Search("иванов номера", ca.Serial{}, 10)
		if err != nil {
			t.Error(err)
		}
		got, err := tx.Search("номер11999 иван", ca.Serial{}, 10)
		if err != nil || len(got) != 1 {
			t.Errorf("the last one: %d, %v", len(got), err)
		}
		seen, after := 0, ca.Serial{}
		for {
			page, err := tx.Expiring(now, now.AddDate(1, 0, 0), after, 5000)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				if want := now.Add(time.Duration(seen) * time.Minute); !e.NotAfter.Equal(want) {
					t.Fatalf("number %d expires at %v, want %v", seen, e.NotAfter, want)
				}
				seen++
			}
			after = page[len(page)-1].Serial
		}
		if seen != batches*each {
			t.Errorf("%d expire, want %d", seen, batches*each)
		}
		total := 0
		for d, err := range tx.Days(now, now.AddDate(1, 0, 0)) {
			if err != nil {
				return err
			}
			total += d.Expiring
		}
		if total != batches*each {
			t.Errorf("%d are counted, want %d", total, batches*each)
		}
		return nil
	})
}

// Reindexed checks a ledger with the entries of FillPersons.
func Reindexed(t *testing.T, l ca.Ledger) {
	t.Helper()
	view(t, l, func(tx ca.ReadTx) error {
		checkSearch(t, tx)
		if got, err := tx.Expiring(now, now.AddDate(0, 0, 9), ca.Serial{}, 10); err != nil || !slices.Equal(last(got), []byte{2, 4, 1, 3}) {
			t.Errorf("Expiring: %v, %v", last(got), err)
		}
		if got := days(t, tx.Days(now, now.AddDate(0, 0, 9))); !slices.Equal(got, []string{"06-02 4 0 0", "06-03 0 1 1", "06-05 0 0 3"}) {
			t.Errorf("Days: %q", got)
		}
		if got, err := requestsIn(tx, "", ca.RequestFilter{State: ca.Submitted}); err != nil || !slices.Equal(got, []byte{12, 11, 13}) {
			t.Errorf("Requests: %v, %v", got, err)
		}
		return nil
	})
}

// FillPersons puts on a ledger what Reindexed expects.
func FillPersons(t testing.TB, l ca.Ledger) {
	t.Helper()
	fillPersons(t, l)
	update(t, l, func(tx ca.Tx) error {
		draft := requestAt(14, now)
		draft.State = ca.Draft
		return errors.Join(tx.SaveRequest(requestAt(11, now)), tx.SaveRequest(requestAt(12, now.Add(time.Hour))),
			tx.SaveRequest(requestAt(13, now)), tx.SaveRequest(draft))
	})
	update(t, l, func(tx ca.Tx) error {
		e := person(2, "", now)
		e.Status, e.Reason, e.RevokedAt = ca.Revoked, ca.Superseded, now.AddDate(0, 0, 1)
		if err := tx.SetStatus(e); err != nil {
			return err
		}
		_, err := tx.Append(journal.Entry{Time: now, Event: "revoke"})
		return err
	})
}

// checkIndexes compares what two ledgers with the same entries find and count.
func checkIndexes(t *testing.T, a, b ca.Ledger) {
	t.Helper()
	var counted [2][]string
	var expiring [2][]ca.Entry
	var inStates [2][]byte
	for n, l := range []ca.Ledger{a, b} {
		view(t, l, func(tx ca.ReadTx) (err error) {
			checkSearch(t, tx)
			counted[n] = days(t, tx.Days(time.Time{}, now.AddDate(9, 0, 0)))
			for _, s := range []ca.RequestState{ca.Submitted, ca.Issued} {
				got, err := requestsIn(tx, "", ca.RequestFilter{State: s})
				if err != nil {
					return err
				}
				inStates[n] = append(inStates[n], got...)
			}
			expiring[n], err = tx.Expiring(time.Time{}, now.AddDate(9, 0, 0), ca.Serial{}, 100)
			return err
		})
	}
	if !slices.Equal(counted[0], counted[1]) || len(counted[0]) < 3 {
		t.Errorf("the copy counts %q, and not %q", counted[1], counted[0])
	}
	if !slices.Equal(inStates[0], inStates[1]) || len(inStates[0]) != 2 {
		t.Errorf("the copy has the requests %v in their states, and not %v", inStates[1], inStates[0])
	}
	if !slices.Equal(last(expiring[0]), last(expiring[1])) || len(expiring[0]) < 9 {
		t.Errorf("of the copy %v expire, and not %v", last(expiring[1]), last(expiring[0]))
	}
}
