// Package layers holds the plan of the house: which of the module's own
// packages a package may import, and which foreign modules only certain rooms
// may use. Its test reads the source files themselves, so a result is never
// taken from the build cache, and it fails on a package that has no row.
package layers

import "strings"

// module is the import path of this module.
const module = "github.com/gosklyuch/gosklyuch"

// A row gives the own packages that one package, or a tree of packages, may
// import. Names are relative to the module; "gost/..." means gost and all
// packages under it.
type row struct {
	pkg   string
	may   []string
	never []string // exceptions from may
}

// common is what every room from pki to server may import besides its row.
var common = []string{"pki/oid", "internal/der", "internal/limits", "internal/files", "internal/bounded", "internal/jsonout"}

// table is docs/design.md's table "who may import whom".
var table = []row{
	{pkg: "gost/internal/field", may: []string{"gost/internal/cpu"}},
	{pkg: "gost/internal/cpu"},
	{pkg: "gost/streebog", may: []string{"gost/internal/cpu"}},
	{pkg: "gost/internal/feistel", may: []string{"gost/internal/cpu"}}, // what Magma and GOST 28147-89 share
	{pkg: "gost/magma", may: []string{"gost/internal/feistel"}},
	{pkg: "gost/kuznyechik", may: []string{"gost/internal/cpu"}},
	{pkg: "gost/gost28147", may: []string{"gost/internal/feistel"}},
	{pkg: "gost/...", may: []string{"gost/..."}},
	{pkg: "pki/oid"},
	{pkg: "internal/limits"},
	{pkg: "internal/files"},
	{pkg: "internal/bounded"}, // a map with bounds, of the standard library alone
	{pkg: "internal/jsonout"}, // encoding/json without reflection, of the standard library alone
	{pkg: "internal/layers"},
	{pkg: "internal/der", may: []string{"internal/limits"}},
	{pkg: "internal/strictyaml"},
	{pkg: "pki/alg", may: rooms("gost/...")},
	{pkg: "pki", may: rooms("pki/alg")},
	{pkg: "pki/path", may: rooms("pki", "pki/alg")},
	{pkg: "pki/profile", may: rooms("pki", "pki/alg")},
	{pkg: "pki/profile/rules/...", may: rooms("pki/profile", "pki", "pki/alg")},
	{pkg: "pki/profile/sets", may: rooms("pki/profile", "pki/profile/rules/...")},
	{pkg: "pki/pfx", may: rooms("pki", "pki/alg", "gost/...")},
	{pkg: "pki/ca", may: rooms("pki", "pki/alg", "pki/path", "pki/profile", "ocsp", "cms", "journal", "gost/streebog", "internal/strictyaml")},
	{pkg: "pki/ca/ledgertest", may: rooms("pki/ca", "pki", "pki/profile/sets", "journal")},
	{pkg: "pki/ca/index", may: rooms("pki/ca")}, // what both ledgers keep beside the entries
	{pkg: "pki/ca/boltstore", may: rooms("pki/ca", "pki/ca/index", "pki", "journal")},
	{pkg: "pki/ca/pgstore", may: rooms("pki/ca", "pki/ca/index", "pki", "journal")},
	{pkg: "pki/ca/ceremony", may: rooms("pki/ca", "pki/ca/ceremony/second", "pki", "pki/alg", "pki/profile", "cms", "gost/streebog", "internal/strictyaml")},
	{pkg: "pki/ca/ceremony/second"}, // the other path: what it shared with the first would be checked by itself
	{pkg: "cms", may: rooms("pki", "pki/alg", "gost/...")},
	{pkg: "ocsp", may: rooms("pki", "pki/alg")},
	{pkg: "tsp", may: rooms("pki", "pki/alg", "cms")},
	{pkg: "token", may: rooms("pki")},
	{pkg: "token/soft", may: rooms("token", "pki", "pki/pfx", "pki/alg", "gost/...")},
	{pkg: "token/cryptopro", may: rooms("token", "pki", "pki/alg", "pki/pfx", "gost/...")},
	{pkg: "token/pkcs11", may: rooms("token", "pki", "pki/pfx", "pki/alg", "gost/...")},
	{pkg: "sign", may: rooms("cms", "pki", "pki/alg", "tsp", "ocsp")},
	{pkg: "verify/revocation", may: rooms("pki", "pki/path", "pki/alg", "ocsp")},
	{pkg: "verify", may: rooms("cms", "pki", "pki/path", "pki/profile", "pki/alg", "ocsp", "tsp", "verify/revocation")},
	{pkg: "xmldsig", may: rooms("pki", "pki/alg")},
	{pkg: "trust", may: rooms("pki", "pki/alg", "pki/path", "xmldsig", "cms")},
	{pkg: "report", may: rooms("verify", "verify/revocation", "cms", "ocsp", "pki", "pki/alg")},
	{pkg: "fetch", may: rooms("pki", "cms", "ocsp", "tsp", "verify/revocation")},
	{pkg: "journal", may: rooms("pki", "pki/alg", "gost/...")},
	{pkg: "internal/casock", may: rooms("pki/ca", "pki", "ocsp", "journal")},
	{pkg: "server", may: []string{"..."}, never: []string{"internal/cli", "cmd/..."}},
	{pkg: "internal/cli", may: []string{"..."}, never: []string{"cmd/..."}},
	{pkg: "internal/p11module", may: rooms("token", "token/soft", "pki", "pki/alg", "gost/...")},
	{pkg: "cmd/gosklyuch-pkcs11", may: []string{"internal/p11module"}},
	{pkg: "cmd/gosklyuch", may: []string{"internal/cli"}},
	{pkg: "internal/cryptotest/...", may: []string{"..."}, never: []string{"internal/cli", "cmd/..."}},
}

// rooms joins a row with what every room may import.
func rooms(own ...string) []string { return append(own, common...) }

// foreign says which rooms may import a foreign package (a prefix of its
// import path). A package that no row names is free.
var foreign = map[string][]string{
	"net/http":                            {"fetch", "server", "internal/cli"},
	"github.com/spf13/":                   {"internal/cli"},
	"golang.org/x/term":                   {"internal/cli"},
	"github.com/schollz/progressbar":      {"internal/cli"},
	"go.etcd.io/bbolt":                    {"pki/ca/boltstore"},
	"github.com/jackc/pgx":                {"pki/ca/pgstore"},
	"go.yaml.in/yaml":                     {"internal/strictyaml", "pki/ca"}, // reading is strict; pki/ca writes
	"codeberg.org/go-pdf/fpdf":            {"report"},
	"rsc.io/qr":                           {"report"},
	"golang.org/x/image":                  {"report"},
	"github.com/beevik/etree":             {"xmldsig"},
	"github.com/russellhaering/goxmldsig": {"xmldsig"},
	"github.com/prometheus/":              {"server"},
	"github.com/miekg/pkcs11":             {"token/pkcs11"},
	"github.com/ThalesGroup/crypto11":     {"token/pkcs11"},
	"software.sslmate.com/src/go-pkcs12":  {"pki/pfx"},
}

// rowFor returns the row of a package: an exact row before a tree.
func rowFor(pkg string) (row, bool) {
	var tree row
	found := false
	for _, r := range table {
		if r.pkg == pkg {
			return r, true
		}
		if matches(r.pkg, pkg) && len(r.pkg) > len(tree.pkg) {
			tree, found = r, true
		}
	}
	return tree, found
}

// matches reports whether pkg is meant by pattern.
func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == root || strings.HasPrefix(pkg, root+"/")
	}
	return pattern == pkg
}

func matchesAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if matches(p, pkg) {
			return true
		}
	}
	return false
}

// ownImportAllowed reports whether package from may import the own package to.
func ownImportAllowed(from, to string) bool {
	r, ok := rowFor(from)
	return ok && matchesAny(r.may, to) && !matchesAny(r.never, to)
}

// foreignImportAllowed reports whether package from may import the foreign
// package path.
func foreignImportAllowed(from, path string) bool {
	for prefix, who := range foreign {
		if path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/") {
			return matchesAny(who, from)
		}
	}
	if matches("gost/...", from) {
		return isStandard(path) && path != "math/big" && path != "encoding/asn1"
	}
	return true
}

// isStandard reports whether an import path belongs to the standard library:
// only there the first element has no dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
