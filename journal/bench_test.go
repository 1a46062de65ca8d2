package journal

import "testing"

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
