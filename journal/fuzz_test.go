package journal

import "testing"

// FuzzParseRecord: whatever parses is written back as a line that parses to
// the same record with the same digest.
func FuzzParseRecord(f *testing.F) {
	for _, r := range chain(f, 2) {
		b, err := r.Line()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRecord(data)
		if err != nil || !r.Intact() {
			return
		}
		b, err := r.Line()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRecord(b)
		if err != nil || !again.Intact() || again.Head() != r.Head() {
			t.Fatalf("%s: %v", b, err)
		}
	})
}
