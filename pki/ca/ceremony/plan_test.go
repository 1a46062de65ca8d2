package ceremony_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony"
)

// TestPlanErrors: what cannot be done is refused before anything is done, with
// the step and the field.
func TestPlanErrors(t *testing.T) {
	good := fmt.Sprintf(planText, "en")
	if _, err := ceremony.ParsePlan([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to string
		step     int
		field    string
	}{
		{"name: root-2026", "name: Root", 0, "name"},
		{"language: en", "language: fr", 0, "language"},
		{"date: 2026-06-01T10:00:00Z", "date: tomorrow", 0, "date"},
		{"date: 2026-06-01T10:00:00Z", "date: 2026-06-01T10:00:00.5Z", 0, "date"},
		{"place: a quiet room", "place: \"two\\nlines\"", 0, "place"},
		{"place: a quiet room", "place: \"turned \\u202e round\"", 0, "place"},
		{"place: a quiet room", "plaice: a quiet room", 0, "file"},
		{"place: a quiet room", "place: &a here", 0, "file"},
		{"place: a quiet room", "place:", 0, "file"},
		{"place: a quiet room", "place: a quiet room\nplace: another", 0, "file"},
		{"place: a quiet room", "sign: nobody", 0, "sign"},
		{"name: Boris", "name: Anna", 0, "participants"},
		{"{name: root, algorithm: gost2012-512}", "{name: root, algorithm: rsa-3072}", 1, "key.algorithm"},
		{"{name: root, algorithm: gost2012-512}", "{name: root, algorithm: gost2012-512, paramset: cryptopro-a}", 1, "key.paramset"},
		{"{name: root, algorithm: gost2012-512}", "{name: root, algorithm: gost2012-512, store: /dev/null}", 1, "key.store"},
		{"{name: root, algorithm: gost2012-512}", "{name: root, algorithm: gost2012-512, store: \"pkcs11:token=T?pin-value=1\"}", 1, "key.store"},
		{"{name: root, algorithm: gost2012-512}", "{name: ../root, algorithm: gost2012-512}", 1, "key.name"},
		{"key: root, subject: \"CN=Root", "key: nothing, subject: \"CN=Root", 2, "root.key"},
		{"\"CN=Root,O=Test,C=RU\"", "\"CN\"", 2, "root.subject"},
		{"\"CN=Root,O=Test,C=RU\"", "\"CN=Root+O=Test\"", 2, "root.subject"},
		{"days: 7305", "days: 0", 2, "root.keyDays"},
		{"keyDays: 3650", "keyDays: 7305", 2, "root.keyDays"},
		{"keyDays: 3650", "keyDays: 3650, pathLength: -1", 2, "root.pathLength"},
		{"http://ca.test/root.crl", "file:///etc", 2, "root"},
		{"{name: issuing, algorithm: gost2012-256}", "{name: root, algorithm: gost2012-256}", 3, "key.name"},
		{"authority: root, key: issuing", "authority: top, key: issuing", 4, "subordinate.authority"},
		{"authority: root, key: issuing", "authority: root, key: root", 4, "subordinate.key"},
		{"request: department.csr", "of: root", 5, "certificate.request"},
		{"name: ocsp, authority", "name: issuing, authority", 6, "certificate.name"},
		{"name: ocsp, authority", "name: department, authority", 6, "certificate.name"},
		{"count: 3", "count: 100000", 8, "lists.count"},
		{"days: 180", "days: 0", 8, "lists.days"},
		{"- lists: {authority: root, count: 3, days: 180, overlap: 14}", "- lists: {authority: root, days: 1}\n    export: {to: x}", 8, "step"},
		{"{keys: [root, issuing], to: backup}", "{keys: [root, other], to: backup}", 10, "backup.keys"},
		{"{keys: [root, issuing], to: backup}", "{keys: [issuing], to: backup}", 12, "destroy.keys"},
		{"{to: public}", "{to: ca}", 11, "export.to"},
		{"{to: public}", "{to: ../public}", 11, "export.to"},
		{"- export: {to: public}", "- destroy: {keys: [root]}", 12, "destroy"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if text == good {
			t.Fatalf("%q is not in the plan", c.from)
		}
		_, err := ceremony.ParsePlan([]byte(text))
		var e *ceremony.PlanError
		if !errors.As(err, &e) || e.Step != c.step || e.Field != c.field {
			t.Errorf("%s: %v", c.to, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "not YAML": "[", "two documents": good + "\n---\n" + good, "not UTF-8": good + "# \xff",
		"too large": good + "#" + strings.Repeat("x", 256<<10),
	} {
		if _, err := ceremony.ParsePlan([]byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
