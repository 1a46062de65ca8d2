package journal

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"testing"
)

func erasure(seq uint64, fields ...string) Erasure {
	return Erasure{Node: DefaultNode, Seq: seq, Fields: fields, Actor: "test", Reason: "application"}
}

func TestFileErase(t *testing.T) {
	j, path := fill(t, 0)
	for _, subject := range []string{"a", "СЕКРЕТ", "c"} {
		if _, err := j.Append(t.Context(), Entry{Event: "sign", Subject: subject}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := j.Erase(t.Context(), erasure(2, FieldSubject))
	if err != nil || r.Seq != 2 || r.Subject != "" || !r.Intact() {
		t.Fatalf("%+v, %v", r, err)
	}
	b, err := os.ReadFile(path)
	if err != nil || bytes.Contains(b, []byte("СЕКРЕТ")) {
		t.Errorf("%s, %v", b, err)
	}
	if head, err := j.Verify(t.Context()); err != nil || head.Seq != 4 {
		t.Errorf("%v, %v", head, err)
	}
	if r, err := j.Append(t.Context(), Entry{Event: "sign"}); err != nil || r.Seq != 5 {
		t.Errorf("%v, %v", r.Seq, err)
	}
	for seq, tt := range map[uint64]struct {
		field string
		want  error
	}{9: {FieldSubject, ErrNoRecord}, 0: {FieldSubject, ErrNoRecord}, 1: {"data.none", ErrNoField}, 4: {FieldSubject, ErrErasure}} {
		if _, err := j.Erase(t.Context(), erasure(seq, tt.field)); !errors.Is(err, tt.want) {
			t.Errorf("%d: %v", seq, err)
		}
	}
	if _, err := os.Stat(path + ".tmp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file stays: %v", err)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(`"c"`), []byte(`"d"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	var d *DamageError
	if _, err := j.Erase(t.Context(), erasure(1, FieldSubject)); !errors.As(err, &d) || d.Seq != 3 {
		t.Errorf("a damaged journal: %v", err)
	}
}

// TestFileEraseRace appends and erases at the same time: nothing is lost.
func TestFileEraseRace(t *testing.T) {
	j, _ := fill(t, 1)
	const each = 8
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range each {
				if _, err := j.Append(t.Context(), Entry{Event: "sign", Subject: "x"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range each {
			if _, err := j.Erase(t.Context(), erasure(1, FieldSubject)); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if head, err := j.Verify(t.Context()); err != nil || head.Seq != 1+4*each {
		t.Errorf("%v, %v", head, err)
	}
}
