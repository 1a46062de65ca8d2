package ca_test

import (
	"bytes"
	"crypto"
	"errors"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// rootAt makes a root authority at a moment; its certificate is valid for 30
// years.
func rootAt(t *testing.T, key crypto.Signer, at time.Time) *authority {
	t.Helper()
	c := &clock{t: at}
	cert, err := ca.NewRoot(key, ca.RootOptions{Subject: dn(t, "CN=Корневой УЦ,O=Проба,C=RU"), Days: 30 * 365, MaxPathLen: 1, Rules: sets.All(), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, t.TempDir(), cert, key, c, sets.All())
}

func day(text string) time.Time {
	at, err := time.Parse("2006-01-02 15:04:05", text+" 10:20:30")
	if err != nil {
		panic(err)
	}
	return at
}

// TestMonths: a period of months ends on the same day, and on the last day of a
// month that is too short for it; never later.
func TestMonths(t *testing.T) {
	key, owner := generate(t, "gost2012-256", ""), generate(t, "gost2012-256", "")
	three := ca.Citizen()
	three.Name, three.Years = "three", 3
	leap := ca.Citizen()
	leap.Name, leap.Months, leap.KeyMonths = "month", 13, 1
	for _, tt := range []struct{ profile, from, to, key string }{
		{"citizen", "2026-11-22", "2028-02-22", "2028-02-22"},
		{"citizen", "2027-11-30", "2029-02-28", "2029-02-28"},
		{"citizen", "2026-11-30", "2028-02-29", "2028-02-29"},
		{"citizen", "2026-12-31", "2028-03-31", "2028-03-31"},
		{"three", "2028-02-29", "2031-02-28", "2031-02-28"},
		{"three", "2026-02-28", "2029-02-28", "2029-02-28"},
		{"month", "2027-01-31", "2028-02-29", "2027-02-28"},
		{"month", "2027-12-31", "2029-01-31", "2028-01-31"},
	} {
		t.Run(tt.profile+tt.from, func(t *testing.T) {
			d := &desk{authority: rootAt(t, key, day(tt.from))}
			d.use(t, append(ca.Profiles(), three, leap)...)
			c := d.issue(t, tt.profile, citizenDN, owner)
			if !c.NotBefore.Equal(day(tt.from)) || !c.NotAfter.Equal(day(tt.to)) || !c.PrivateKeyNotAfter.Equal(day(tt.key)) {
				t.Errorf("%s to %s, the key to %s", c.NotBefore, c.NotAfter, c.PrivateKeyNotAfter)
			}
		})
	}
}

// TestThreeYears: days are bounded by the calendar, to the day.
func TestThreeYears(t *testing.T) {
	root := rootAt(t, generate(t, "gost2012-256", ""), day("2026-03-01"))
	owner := generate(t, "gost2012-256", "")
	for days, good := range map[int]bool{1: true, 1096: true, 1097: false, 36525: false} { // one leap day
		c, err := root.IssueRequest(t.Context(), "citizen", ca.Request{Days: days, CSR: csr(t, owner, &pki.RequestTemplate{Subject: dn(t, citizenDN)})})
		var refused *ca.RequestError
		switch {
		case good && (err != nil || !c.NotAfter.Equal(root.clock.t.AddDate(0, 0, days)) || !c.PrivateKeyNotAfter.Equal(c.NotAfter)):
			t.Errorf("%d days: %v", days, err)
		case !good && (!errors.As(err, &refused) || refused.Field != "validity"):
			t.Errorf("%d days: %v", days, err)
		}
	}
	if _, err := root.IssueRequest(t.Context(), "tsa", ca.Request{Days: 36526, CSR: csr(t, owner, &pki.RequestTemplate{Subject: dn(t, "CN=x")})}); err == nil {
		t.Error("more than a century")
	}
}

// TestYear2050: dates from 2050 are GeneralizedTime, those before UTCTime.
//
// RFC 5280, section 4.1.2.5: "CAs conforming to this profile MUST always encode
// certificate validity dates through the year 2049 as UTCTime; certificate
// validity dates in 2050 or later MUST be encoded as GeneralizedTime."
func TestYear2050(t *testing.T) {
	root := rootAt(t, generate(t, "gost2012-256", ""), day("2048-11-30"))
	owner := generate(t, "gost2012-256", "")
	for _, tt := range []struct{ at, from, to string }{
		{"2049-06-15", "\x17\x0d490615102030Z", "\x18\x0f20500915102030Z"},
		{"2049-12-31", "\x17\x0d491231102030Z", "\x18\x0f20510331102030Z"},
		{"2050-01-01", "\x18\x0f20500101102030Z", "\x18\x0f20510401102030Z"},
	} {
		root.clock.t = day(tt.at)
		c := root.issue(t, "citizen", citizenDN, owner)
		if !bytes.Contains(c.RawTBSCertificate, []byte(tt.from+tt.to)) {
			t.Errorf("%s: %q", tt.at, c.RawTBSCertificate)
		}
		if !c.PrivateKeyNotBefore.Equal(c.NotBefore) || !c.PrivateKeyNotAfter.Equal(c.NotAfter) {
			t.Errorf("%s: the key from %s to %s", tt.at, c.PrivateKeyNotBefore, c.PrivateKeyNotAfter)
		}
	}
}

// TestAuthorityKeyIsShorter: whatever a profile says and however short the
// certificate is, an authority's key ends before it.
func TestAuthorityKeyIsShorter(t *testing.T) {
	p := ca.SubCA()
	p.Name, p.Years, p.Months, p.KeyMonths = "long", 0, 2, 24
	d := newDesk(t, p)
	for _, days := range []int{0, 1, 40} {
		c, err := d.IssueRequest(t.Context(), "long", ca.Request{Days: days, CSR: csr(t, generate(t, "gost2012-256", "cryptopro-a"), &pki.RequestTemplate{Subject: dn(t, "CN=УЦ")})})
		if err != nil {
			t.Fatal(err)
		}
		if c.PrivateKeyNotAfter.IsZero() || !c.PrivateKeyNotAfter.Before(c.NotAfter) {
			t.Errorf("%d days: the key until %s, the certificate until %s", days, c.PrivateKeyNotAfter, c.NotAfter)
		}
	}
}
