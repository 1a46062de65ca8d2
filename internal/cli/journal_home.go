package cli

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/journal"
)

// recorded are the commands that go into the journal in the home: what was done
// with keys and trust, what was signed and what was checked. What an authority
// does is in the authority's own journal; copies of it leave no trace there. A
// server is on record when it ends; each of its answers is in its own log.
var recorded = map[string]string{ //nolint:gosec // names of events; the only PIN here is the word
	"key create": "key-create", "key import": "key-import", "key export": "key-export", "key delete": "key-delete", "key passwd": "key-passwd",
	"cert install": "cert-install", "cert export": "cert-export", "trust add": "trust-add", "trust import": "trust-import", "trust remove": "trust-remove",
	"request create": "request-create", "sign": "sign", "cosign": "cosign", "countersign": "countersign", "raise": "raise", "raw sign": "raw-sign",
	"timestamp create": "timestamp-create", "timestamp verify": "timestamp-verify", "verify": "verify", "raw verify": "raw-verify",
	"cert verify": "cert-verify", "crl verify": "crl-verify", "ocsp verify": "ocsp-verify", "request verify": "request-verify",
	"key check": "key-check", "request renew": "request-renew", "token init": "token-init", "token pin change": "token-pin-change",
	"token pin unblock": "token-pin-unblock", "ca backup": "ca-backup", "ca restore": "ca-restore", "ca migrate": "ca-migrate",
	"serve tsa": "serve-tsa", "serve verify": "serve-verify",
}

// recordedWithKey are those that go there when a person's key signed.
var recordedWithKey = map[string]string{
	"ca request submit": "ca-request-submit", "ca request approve": "ca-request-approve", "ca request reject": "ca-request-reject",
	"ca request review": "ca-request-review", "journal sign": "journal-sign", "journal prove": "journal-prove",
}

// eventOf returns the name of a command in the journal.
func eventOf(cmd *cobra.Command) (string, bool) {
	name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	if event, ok := recorded[name]; ok {
		return event, true
	}
	event, ok := recordedWithKey[name]
	key := cmd.Flags().Lookup("key")
	return event, ok && key != nil && key.Changed
}

// outcomes are the exit codes in words; they are stable.
var outcomes = map[int]string{
	exitOK: "ok", exitFailed: "failed", exitInvalid: "invalid", exitRevoked: "revoked", exitIndeterminate: "indeterminate", exitRefused: "refused",
}

// recordedFlags say more about what was done, under the key that follows; none
// of them is there for a secret.
var recordedFlags = map[string]string{
	"name": "container", "key": "key", "cert": "cert", "output": "output", "pfx": "output", "level": "level", "policy": "policy", "at": "at", "tsa": "tsa",
	"dir": "dir", "ledger": "ledger", "label": "label", "new-key": "newKey", "operator": "operator", "listen": "listen",
}

// record puts a command that has ended into the journal in the home. A home that
// does not exist keeps no journal. A journal that cannot be written is a
// warning: what was done is done.
func (a *app) record(ctx context.Context, cmd *cobra.Command, code int) {
	if cmd == nil || code == exitUsage {
		return
	}
	event, ok := eventOf(cmd)
	if help := cmd.Flags().Lookup("help"); !ok || help != nil && help.Changed {
		return
	}
	home, err := a.homeDir()
	if err != nil {
		return
	}
	if st, err := os.Stat(home); err != nil || !st.IsDir() {
		return
	}
	e := journal.Entry{Time: a.now(), Actor: actor(), Event: event, Data: map[string]string{"result": outcomes[code]}}
	var subject strings.Builder
	for i, arg := range cmd.Flags().Args() {
		if subject.Len() > maxJournalSubject {
			break // of ten thousand names the first hundred are kept
		}
		if i > 0 {
			subject.WriteByte(' ')
		}
		subject.WriteString(fullPath(withoutSecrets(arg)))
	}
	for flag, key := range recordedFlags {
		if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
			e.Data[key] = strings.ToValidUTF8(withoutSecrets(f.Value.String()), "\ufffd")
		}
	}
	e.Subject = strings.ToValidUTF8(subject.String(), "\ufffd")
	if len(e.Subject) > maxJournalSubject {
		e.Subject = strings.ToValidUTF8(e.Subject[:maxJournalSubject], "") + "…"
	}
	// A run that was interrupted is put on record all the same.
	if _, err := journal.NewFile(filepath.Join(home, homeJournal)).Append(context.WithoutCancel(ctx), e); err != nil {
		a.warnf(text{"в журнал не записано: %s", "not put into the journal: %s"}, safe(a.t(a.sentence(journalError(err)).message)))
	}
}

// maxJournalSubject bounds the names of a batch in one record.
const maxJournalSubject = 4 << 10

// fullPath names a file so that it is known later; what is no file stays.
func fullPath(arg string) string {
	if _, err := os.Stat(arg); err != nil {
		return arg
	}
	abs, err := filepath.Abs(arg)
	if err != nil {
		return arg
	}
	return abs
}

// withoutSecrets takes out of an address what may be a secret: the query of a
// token's URI (RFC 7512, section 2.4: pin-value and pin-source stand there) and
// a password before the host of another.
func withoutSecrets(arg string) string {
	if strings.HasPrefix(arg, "pkcs11:") {
		arg, _, _ = strings.Cut(arg, "?")
		return arg
	}
	if u, err := url.Parse(arg); err == nil && u.User != nil {
		return u.Redacted()
	}
	return arg
}
