package cli

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/journal"
)

// TestJournalCSV: no cell of an exported journal, and no part of one between
// semicolons, begins with what a spreadsheet would compute, whatever somebody
// managed to put on record; and every record is one row.
func TestJournalCSV(t *testing.T) {
	var hostile []string
	for _, formula := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "|cmd", "%1", "＝1+1", "＋1", "－1", "＠SUM", "−1", "﹢1", "﹦1", "﹣1", "﹫x", "﹪1", "％1", "｜x"} {
		for _, before := range []string{"", " ", "\t", "\r", "\n", "\r\n", "\"", "\"\"", "'", "\u00a0", "\u2003", "\u3000", "\ufeff", "\u200b", "\u202e", "\u00ad", "\x00", "\x1b", "; ", "x;", "x;\t"} {
			hostile = append(hostile, before+formula)
		}
	}
	a := &app{lang: "en"}
	var out bytes.Buffer
	err := a.exportCSV(&out, func(use func(journalRecord) error) error {
		for i, h := range hostile {
			v := journalRecord{View: journal.View{Node: "main", Seq: uint64(i + 1), Actor: h, Event: h, Subject: h, Data: map[string]string{"k": h, h: "v"}}}
			if err := use(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || !utf8.Valid(out.Bytes()) {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != len(hostile)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if strings.ContainsAny(cell, "\t\r\n\x00\x1b") {
				t.Errorf("%q: a control character", cell)
			}
			for part := range strings.SplitSeq(cell, ";") {
				bare := strings.TrimLeftFunc(part, func(c rune) bool {
					return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) || c == '"' || c == utf8.RuneError
				})
				if c, _ := utf8.DecodeRuneInString(bare); strings.ContainsRune("=+-@|%＝＋－＠−﹢﹦﹣﹫﹪％｜", c) {
					t.Errorf("%q: %q would be computed", cell, part)
				}
			}
		}
	}
}
