package boltstore

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// fill gives a field some value that is not zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	case *[]byte:
		*x = []byte{1, 2, 3}
	case **ca.Approval:
		*x = &ca.Approval{Operator: "anna"}
	case *[]ca.Approval:
		*x = []ca.Approval{{Operator: "anna"}}
	case *ca.Serial:
		x[19] = 7
	default:
		switch v.Kind() {
		case reflect.String:
			v.SetString("Иванов <\"&> \u2028")
		case reflect.Int:
			v.SetInt(3)
		case reflect.Uint64:
			v.SetUint(3)
		default:
			t.Fatalf("a field of the kind %s", v.Type())
		}
	}
}

// TestEncode: whatever fields an entry or a request has, ones that are added
// later among them, its JSON is that of encoding/json.
func TestEncode(t *testing.T) {
	same := func(what string, got []byte, err error, v any) {
		t.Helper()
		want, wrong := json.Marshal(v)
		if err != nil || wrong != nil || string(got) != string(want) {
			t.Errorf("%s: %v, %v\n%s\n%s", what, err, wrong, got, want)
		}
	}
	serial := ca.Serial{0: 1, 19: 2}
	for n := -1; n < reflect.TypeFor[ca.Entry]().NumField(); n++ {
		for _, e := range []ca.Entry{{}, {Serial: serial, Status: ca.Valid, Subject: "CN=x"}} {
			name := "entry"
			if v := reflect.ValueOf(&e).Elem(); n >= 0 {
				fill(t, v.Field(n))
				name = v.Type().Field(n).Name
			}
			got, err := encodeEntry(e)
			same(name, got, err, e)
		}
	}
	for n := -1; n < reflect.TypeFor[ca.RequestEntry]().NumField(); n++ {
		for _, e := range []ca.RequestEntry{{}, {ID: "ab", Version: 1, State: ca.Issued, CSR: []byte("x"), Serial: serial}} {
			name := "request"
			if v := reflect.ValueOf(&e).Elem(); n >= 0 {
				fill(t, v.Field(n))
				name = v.Type().Field(n).Name
			}
			got, err := encodeRequest(e)
			same(name, got, err, e)
		}
	}
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, e := range map[string]ca.Entry{"notBefore": {NotBefore: far}, "notAfter": {NotAfter: far}, "issuedAt": {IssuedAt: far}} {
		e.Status = ca.Valid
		if b, err := encodeEntry(e); err == nil {
			t.Errorf("%s: the year 10000 gives %s", name, b)
		}
	}
	for name, e := range map[string]ca.RequestEntry{"created": {Created: far}, "updated": {Updated: far}} {
		if b, err := encodeRequest(e); err == nil {
			t.Errorf("%s: the year 10000 gives %s", name, b)
		}
	}
}

// entrySeeds are entries as they were and are written, and near misses.
func entrySeeds() []string {
	const plain = `{"serial":"0197","profile":"citizen@1","subject":"CN=Иванов,C=RU","keyId":"AQID","notBefore":"2026-06-02T12:00:00Z",` +
		`"notAfter":"2027-06-02T12:00:00Z","issuedAt":"2026-06-02T12:00:00Z","status":"valid"}`
	seeds := []string{plain, plain + " ", plain + "x", plain + plain, " " + plain, plain[:len(plain)-1], "{}", "null", ""}
	for _, r := range [][2]string{
		{"0197", "01F7"},
		{"0197", "197"},
		{"0197", "00"},
		{"0197", ""},
		{"AQID", "AQI="},
		{"AQID", "AQI"},
		{"AQID", "AQ!D"},
		{"AQID", "AQIE="},
		{"AQID", ""},
		{`"profile"`, `"Profile"`},
		{`"serial"`, `"status":"hold","serial"`},
		{"2026", "+026"},
		{"T12", "t12"},
		{"AQID", "A\u0051ID"},
		{"AQID", "AQ\nID"},
		{`"AQID"`, "null"},
		{"CN=", `CN\u003d`},
		{"CN=", "CN\xff"},
		{"CN=", "CN\x01"},
		{"CN=", "CN=\u2028"},
		{`"valid"`, `"hold"`},
		{`"valid"`, `"valid","reason":1`},
		{"12:00:00Z", "12:00:00+03:00"},
		{"12:00:00Z", "12:00:60Z"},
		{"12:00:00Z", "12:00:00.5Z"},
		{"06-02", "02-30"},
		{"citizen@1", `citizen@1","profile":"x`},
	} {
		seeds = append(seeds, strings.Replace(plain, r[0], r[1], 1))
	}
	return seeds
}

// FuzzPlainEntry: where the short way reads an entry, encoding/json reads the
// same.
func FuzzPlainEntry(f *testing.F) {
	for _, text := range entrySeeds() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		got, ok := plainEntry(v)
		if !ok {
			return
		}
		var want ca.Entry
		if err := json.Unmarshal(v, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n%+v\n%+v, %v", v, got, want, err)
		}
	})
}

// TestPlainEntry: what is written for a valid certificate goes the short way.
func TestPlainEntry(t *testing.T) {
	at := time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	e := ca.Entry{
		Serial: ca.Serial{0: 1, 19: 2}, Profile: "citizen@1", Subject: "CN=Иванов Иван,C=RU", KeyID: []byte("0123456789abcdefghij"),
		NotBefore: at, NotAfter: at.AddDate(1, 0, 0), IssuedAt: at, Status: ca.Valid,
	}
	v, err := encodeEntry(e)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := plainEntry(v); !ok || !reflect.DeepEqual(got, e) {
		t.Errorf("%v, %+v", ok, got)
	}
	e.Status = ca.OnHold
	if v, err = encodeEntry(e); err != nil {
		t.Fatal(err)
	}
	if got, ok := plainEntry(v); ok {
		t.Errorf("a hold went the short way: %+v", got)
	}
}
