package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func journalInput() JournalInput {
	in := JournalInput{
		Lang: "ru", Program: "gosklyuch", Version: "1", At: time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC), Owner: "CN=УЦ,C=RU", Masked: true,
		Heads: []JournalHead{{Node: "n2", Seq: 3, Hash: strings.Repeat("ab", 32)}, {Node: "n1", Seq: 2, Hash: strings.Repeat("cd", 32)}},
	}
	for range 200 {
		in.Rows = append(in.Rows, JournalRow{
			Place: "n1/1", Time: "2026-06-02T12:00:00Z", Actor: "uid:1000", Event: "issue", Subject: "7f01",
			Data: []string{"name=CN=И***", "profile=citizen"},
		})
	}
	return in
}

func printed(t *testing.T, in JournalInput) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Journal(&b, in); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b.Bytes(), []byte("%PDF-")) {
		t.Fatalf("no PDF: %q", b.Bytes()[:min(20, b.Len())])
	}
	return b.Bytes()
}

// TestJournal: the same journal is printed the same, another one differs, and
// 200 records take several pages.
func TestJournal(t *testing.T) {
	one := printed(t, journalInput())
	if !bytes.Equal(one, printed(t, journalInput())) {
		t.Error("two prints of one journal differ")
	}
	if n := bytes.Count(one, []byte("/Type /Page\n")); n < 4 {
		t.Errorf("%d pages", n)
	}
	other := journalInput()
	other.Rows[7].Actor = "uid:1001"
	if bytes.Equal(one, printed(t, other)) {
		t.Error("another journal is printed the same")
	}
	other = journalInput()
	other.Lang = "en"
	if bytes.Equal(one, printed(t, other)) {
		t.Error("the language makes no difference")
	}
}

// TestJournalHostile: texts that drive a terminal, change direction or have no
// spaces for pages do no harm.
func TestJournalHostile(t *testing.T) {
	in := journalInput()
	in.Rows = in.Rows[:3]
	in.Rows[0].Subject = strings.Repeat("длинное", 20_000)
	in.Rows[1].Actor = "\u202eabc\x1b[31m\x00中文\U0001F600"
	in.Rows[2].Data = []string{"", strings.Repeat("=", 70_000), "\xff\xfe"}
	in.Owner = "\xff" + strings.Repeat("x", 10_000)
	printed(t, in)
	printed(t, JournalInput{})
}
