package server

import (
	"slices"
	"testing"
)

func FuzzParseESTAccounts(f *testing.F) {
	const hash = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
	f.Add([]byte("robot:" + hash + ":device auto\n# x\n\nv:" + hash + ":a b"))
	f.Add([]byte("a:b:c"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParseESTAccounts(text)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, a := range list {
			if seen[a.Name] || len(a.Hash) != 60 || len(a.Profiles) == 0 || slices.Contains(a.Profiles, "auto") {
				t.Fatalf("%+v", a)
			}
			seen[a.Name] = true
		}
	})
}
