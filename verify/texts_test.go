package verify_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/gosklyuch/gosklyuch/verify"
)

// declaredReasons reads the constants of type Reason from the source, so that
// a new one cannot be forgotten.
func declaredReasons(t *testing.T) []verify.Reason {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []verify.Reason
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Reason" {
			s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, verify.Reason(s))
		}
		return true
	})
	if len(out) < 20 {
		t.Fatalf("only %d reasons were found", len(out))
	}
	return out
}

func cyrillic(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
}

// checkText: present, in its language, a sentence, without a claim.
func checkText(t *testing.T, what, s string, russian bool) {
	t.Helper()
	switch {
	case s == "":
		t.Errorf("%s: missing", what)
	case cyrillic(s) != russian:
		t.Errorf("%s: wrong language: %s", what, s)
	case strings.Contains(s, "квалифицированная подпись"):
		t.Errorf("%s claims too much: %s", what, s)
	}
}

func TestEveryReasonHasTexts(t *testing.T) {
	seen := map[string]verify.Reason{}
	for _, r := range declaredReasons(t) {
		for _, russian := range []bool{true, false} {
			l := verify.English
			if russian {
				l = verify.Russian
			}
			checkText(t, string(r), r.Text(l), russian)
			checkText(t, string(r)+" remedy", r.Remedy(l), russian)
			if old, twice := seen[r.Text(l)]; twice {
				t.Errorf("%s and %s have one text", old, r)
			}
			seen[r.Text(l)] = r
		}
	}
	if !strings.Contains(verify.NoCertificateChain.Remedy(verify.English), "trust add") {
		t.Error("the remedy of an unknown anchor does not name trust add")
	}
	for _, flag := range []string{"--crl", "--ocsp", "--offline"} {
		if !strings.Contains(verify.TryLater.Remedy(verify.Russian), flag) {
			t.Errorf("the remedy of TRY_LATER does not name %s", flag)
		}
	}
}

// TestVerdicts is the table of the command line.
func TestVerdicts(t *testing.T) {
	invalid := "FORMAT_FAILURE HASH_FAILURE SIG_CRYPTO_FAILURE EXPIRED NOT_YET_VALID SIG_CONSTRAINTS_FAILURE CHAIN_CONSTRAINTS_FAILURE " +
		"CERTIFICATE_CHAIN_GENERAL_FAILURE CRYPTO_CONSTRAINTS_FAILURE CRYPTO_CONSTRAINTS_FAILURE_NO_POE OUT_OF_BOUNDS_NO_POE"
	revoked := "REVOKED REVOKED_NO_POE REVOKED_CA_NO_POE"
	failed := "FORMAT_FAILURE HASH_FAILURE SIG_CRYPTO_FAILURE REVOKED EXPIRED NOT_YET_VALID"
	for _, r := range declaredReasons(t) {
		want := verify.VerdictIndeterminate
		for v, list := range map[verify.Verdict]string{verify.VerdictInvalid: invalid, verify.VerdictRevoked: revoked} {
			for _, x := range strings.Fields(list) {
				if x == string(r) {
					want = v
				}
			}
		}
		if r.Verdict() != want {
			t.Errorf("%s is %v, want %v", r, r.Verdict(), want)
		}
		isFailed := false
		for _, x := range strings.Fields(failed) {
			isFailed = isFailed || x == string(r)
		}
		if (r.Status() == verify.Failed) != isFailed || r.Status() == verify.Passed {
			t.Errorf("%s is %v", r, r.Status())
		}
	}
	var zero verify.Reason
	if zero.Verdict() != verify.VerdictIndeterminate || zero.Status() != verify.Indeterminate {
		t.Error("the zero reason is not indeterminate")
	}
	var o verify.Outcome
	if o.Verdict() != verify.VerdictIndeterminate {
		t.Error("the zero outcome is not indeterminate")
	}
}

func TestStatusTexts(t *testing.T) {
	for _, tc := range []struct {
		k    verify.Kind
		v    verify.Verdict
		want string
	}{
		{verify.KindSignature, verify.VerdictValid, "Подпись действительна"},
		{verify.KindSignature, verify.VerdictInvalid, "Подпись недействительна"},
		{verify.KindSignature, verify.VerdictRevoked, "Подпись отозвана"},
		{verify.KindSignature, verify.VerdictIndeterminate, "Не удалось проверить"},
		{verify.KindCertificate, verify.VerdictValid, "Сертификат действителен"},
		{verify.KindCertificate, verify.VerdictInvalid, "Сертификат недействителен"},
		{verify.KindCertificate, verify.VerdictRevoked, "Сертификат отозван"},
		{verify.KindTimeStamp, verify.VerdictValid, "Метка времени действительна"},
		{verify.KindTimeStamp, verify.VerdictInvalid, "Метка времени недействительна"},
		{verify.KindTimeStamp, verify.VerdictRevoked, "Сертификат службы меток отозван"},
		{verify.KindCRL, verify.VerdictValid, "Список отзыва действителен"},
		{verify.KindCRL, verify.VerdictInvalid, "Список отзыва недействителен"},
		{verify.KindOCSP, verify.VerdictValid, "Ответ службы проверки действителен"},
		{verify.KindOCSP, verify.VerdictInvalid, "Ответ службы проверки недействителен"},
		{verify.KindOCSP, verify.VerdictRevoked, "Сертификат отозван"},
		{verify.KindRequest, verify.VerdictValid, "Запрос верен"},
		{verify.KindRequest, verify.VerdictInvalid, "Запрос неверен"},
		{verify.KindRequest, verify.VerdictIndeterminate, "Не удалось проверить"},
	} {
		if got := verify.StatusText(tc.k, tc.v, verify.Russian); got != tc.want {
			t.Errorf("%v %v: %s", tc.k, tc.v, got)
		}
		checkText(t, tc.want, verify.StatusText(tc.k, tc.v, verify.English), false)
	}
	for _, f := range []func(verify.Lang) string{verify.Notice, verify.QualifiedForm} {
		checkText(t, "notice", f(verify.Russian), true)
		checkText(t, "notice", f(verify.English), false)
	}
	if got := verify.StatusText(99, verify.VerdictValid, verify.Russian); got != "Не удалось проверить" {
		t.Errorf("an unknown kind: %s", got)
	}
}

func TestPolicies(t *testing.T) {
	for _, name := range verify.PolicyNames() {
		p, err := verify.PolicyByName(name)
		if err != nil || p.Name != name {
			t.Errorf("%s: %v", name, err)
		}
		if name == "default" || name == "order-472" {
			if p.AllowTest || p.UnsafeLegacy || p.UnsafeNoChain || p.UnsafeNoRevocation {
				t.Errorf("%s has something unsafe: %+v", name, p)
			}
		}
	}
	if _, err := verify.PolicyByName("nope"); err == nil {
		t.Error("an unknown policy was found")
	}
	a, _ := verify.PolicyByName("default")
	a.UnsafeNoChain = true
	if b, _ := verify.PolicyByName("default"); b.UnsafeNoChain {
		t.Error("a policy is shared")
	}
}
