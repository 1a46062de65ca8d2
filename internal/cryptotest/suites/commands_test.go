package suites

// commands is the one table from which the command line of a fixture follows.
var commands = map[string]func(e entry) []string{
	"cert-chain": func(e entry) []string {
		return join([]string{"cert", "verify", e.File}, chain(e), evidence(e))
	},
	"cms-verify": func(e entry) []string {
		return join([]string{"verify"}, content(e), []string{e.File}, chain(e), noChain(e), evidence(e))
	},
	"crl-verify": func(e entry) []string {
		return join([]string{"crl", "verify", e.File}, one("--issuer", e.Args.Issuer), one("--at", e.Args.Time))
	},
	"csr-verify": func(e entry) []string { return []string{"request", "verify", e.File} },
	"p8":         keyCheck,
	"pfx":        keyCheck,
	"raw-verify": func(e entry) []string {
		return join([]string{"raw", "verify"}, content(e), []string{e.File}, one("--cert", e.Args.Cert))
	},
	"ocsp-verify": func(e entry) []string {
		return join([]string{"ocsp", "verify", e.File}, one("--cert", e.Args.Cert), one("--issuer", e.Args.Issuer),
			many("--trust", e.Args.Trust), one("--trust", e.Args.RCert), one("--request", e.Args.Req), one("--at", e.Args.Time))
	},
	"tsp-verify": func(e entry) []string {
		return join([]string{"timestamp", "verify", e.File}, content(e), one("--request", e.Args.Req), chain(e), evidence(e))
	},
}

func keyCheck(e entry) []string {
	return join([]string{"key", "check", e.File}, one("--cert", e.Args.Match), one("--at", e.Args.Time))
}

func chain(e entry) []string {
	return join(many("--trust", e.Args.Trust), many("--intermediate", e.Args.Int), one("--at", e.Args.Time), []string{"--offline"})
}

// noChain is for vectors whose authorities' certificates break RFC 5280: only
// the signature value is meant.
func noChain(e entry) []string {
	if e.Args.NoChain {
		return []string{"--policy", "signature-only"}
	}
	return nil
}

// evidence gives the lists of an entry; an entry without any is run with
// "--revocation none".
func evidence(e entry) []string {
	if len(e.Args.CRL) == 0 {
		return []string{"--revocation", "none"}
	}
	return many("--crl", e.Args.CRL)
}

func content(e entry) []string {
	if e.Content == nil {
		return nil
	}
	return []string{*e.Content}
}

func one(flag, value string) []string {
	if value == "" {
		return nil
	}
	return []string{flag, value}
}

func many(flag string, values []string) (out []string) {
	for _, v := range values {
		out = append(out, flag, v)
	}
	return out
}

func join(parts ...[]string) (out []string) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// expectedExit returns the exit codes that a case may have.
func expectedExit(e entry) []int {
	if codes, ok := decided[e.ID]; ok {
		return codes
	}
	isKey := e.Op == "p8" || e.Op == "pfx"
	switch e.Expected {
	case "valid":
		return []int{0}
	case "invalid":
		if isKey {
			return []int{6} // a refused password
		}
		return []int{3}
	case "revoked":
		return []int{4}
	case "indeterminate":
		return []int{5}
	case "error":
		return []int{1}
	}
	return nil // "lenient" must be decided below, case by case
}

// decided holds the cases where the program's word differs from the fixture's,
// or where the fixture leaves it open. docs/decisions/0003-verdicts.md argues
// each.
var decided = map[string][]int{
	// An unknown anchor is indeterminate: the remedy is `trust add`.
	"chains/ossl/256-tcA/leaf.crt#wrong-root": {5},
	"neg/cms/untrusted.p7m":                   {5},
	// Lenient cases.
	"neg/cert/serial-neg.crt":           {0},
	"neg/cert/bool-01.crt":              {0},
	"neg/cert/g2001.crt":                {3},
	"neg/cms/attrs-unsorted-dersig.p7m": {0},
	"neg/cms/digalgs-empty.p7m":         {0},
	"neg/cms/si-version.p7m":            {0},
}
