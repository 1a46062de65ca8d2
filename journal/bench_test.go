package journal

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// benchEntry is what the issue of a certificate puts on record.
func benchEntry() Entry {
	return Entry{Time: day, Actor: "uid:1000", Event: "issue", Subject: "3e3b0d9eb70abea47142614eea54232d3b55ded6", Data: map[string]string{
		"name":    "CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,SNILS=11223344595,INN=500100732259,C=RU",
		"profile": "citizen@1", "notAfter": "2028-02-22T00:21:58Z", "streebog256": Digest{}.String(), "request": Digest{}.String(),
	}}
}

// BenchmarkNext is the price of a record without its storage.
func BenchmarkNext(b *testing.B) {
	h, e := Head{Node: DefaultNode}, benchEntry()
	for b.Loop() {
		r, err := h.Next(e)
		if err != nil {
			b.Fatal(err)
		}
		h = r.Head()
	}
}

// BenchmarkVerify is the price of reading and checking one record.
func BenchmarkVerify(b *testing.B) {
	r, err := Head{Node: DefaultNode}.Next(benchEntry())
	if err != nil {
		b.Fatal(err)
	}
	line, err := r.Line()
	if err != nil {
		b.Fatal(err)
	}
	var tree Tree
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		got, err := ParseRecord(line)
		if err != nil || !got.Intact() {
			b.Fatal(err)
		}
		tree.Add(got.Hash)
	}
}

// recordsEnv is how many records the journals of the benchmarks below have.
const recordsEnv = "GOSKLYUCH_JOURNAL_RECORDS"

// benchFile makes a journal without waiting for the disk after every record.
func benchFile(b *testing.B, n int) (*File, int64) {
	b.Helper()
	if text := os.Getenv(recordsEnv); text != "" && n > 0 {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	path := filepath.Join(b.TempDir(), "journal.jsonl")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	h, e := Head{Node: DefaultNode}, benchEntry()
	for range n {
		r, err := h.Next(e)
		if err != nil {
			b.Fatal(err)
		}
		if err := writeLine(w, r); err != nil {
			b.Fatal(err)
		}
		h = r.Head()
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	j := NewFile(path)
	if n > 0 {
		if err := j.writeHead(h); err != nil {
			b.Fatal(err)
		}
	}
	st, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return j, st.Size()
}

// BenchmarkFileVerify reads and checks a whole journal. The memory that it holds
// does not grow with it.
func BenchmarkFileVerify(b *testing.B) {
	j, size := benchFile(b, 10_000)
	b.SetBytes(size)
	var seen uint64
	for b.Loop() {
		head, err := j.Verify(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		seen += head.Seq
	}
	b.ReportMetric(float64(seen)/b.Elapsed().Seconds(), "records/s")
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-held")
}

// BenchmarkFileSHA256 is the price of reading the same file and taking its
// SHA-256, to compare with.
func BenchmarkFileSHA256(b *testing.B) {
	j, size := benchFile(b, 10_000)
	b.SetBytes(size)
	for b.Loop() {
		f, err := os.Open(j.path)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(sha256.New(), f)
		if err := errors.Join(err, f.Close()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFileAppend is one record with its fsync, behind none and behind many.
func BenchmarkFileAppend(b *testing.B) {
	for name, n := range map[string]int{"empty": 0, "full": 10_000} {
		b.Run(name, func(b *testing.B) {
			j, _ := benchFile(b, n)
			for b.Loop() {
				if _, err := j.Append(b.Context(), benchEntry()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
