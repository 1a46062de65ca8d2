package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// A journalVerdict is what `journal verify --json` prints.
type journalVerdict struct {
	Status     string         `json:"status"` // valid, invalid, indeterminate
	StatusText string         `json:"statusText"`
	Chains     []journal.Head `json:"chains,omitempty"`
	// State is what of an authority's ledger was compared with the journal.
	State     *stateCounts   `json:"state,omitempty"`
	Damage    *journalDamage `json:"damage,omitempty"`
	Record    *journalRecord `json:"record,omitempty"` // of a proof
	HeadsTime string         `json:"headsTime,omitempty"`
	Detail    string         `json:"detail,omitempty"` // the library's own words, English
	Remedy    string         `json:"remedy,omitempty"`
}

// journalDamage names the place.
type journalDamage struct {
	Kind        journal.Kind `json:"kind,omitempty"`
	Node        string       `json:"node,omitempty"`
	Seq         uint64       `json:"seq,omitempty"`
	Last        uint64       `json:"last,omitempty"`
	HeadsNumber uint64       `json:"headsNumber,omitempty"`
	// State is what in the ledger is not what the journal says.
	State *ca.StateError `json:"state,omitempty"`
}

// stateCounts says what was compared.
type stateCounts struct {
	Certificates int `json:"certificates"`
	Requests     int `json:"requests"`
	Operators    int `json:"operators"`
	// Unproven could not be compared, because values were erased.
	Unproven int            `json:"unproven,omitempty"`
	First    *ca.StateError `json:"first,omitempty"`
}

func (a *app) journalVerifyCommand() *cobra.Command {
	var f journalFlags
	var proof, cert, heads string
	c := &cobra.Command{
		Use:   "verify [--dir D] [--heads F [--cert F]] | verify --proof F [--cert F | --dir D]",
		Short: a.t(text{"проверить целостность журнала или доказательство о записи", "check that the journal is whole, or a proof about a record"}),
		Long: a.t(text{
			"Без --proof читает весь журнал: изменённая, удалённая, переставленная или отрезанная запись находится, и место называется. " +
				"С --dir с журналом сверяется и состояние УЦ: сертификаты, отзывы, списки, запросы, сотрудники. " +
				"С --heads журнал сверяется ещё и с вершинами, которые хранились отдельно.",
			"Without --proof it reads the whole journal: a record that was changed, removed, moved or cut off is found and the place named. " +
				"With --dir the authority's state is compared with it too: certificates, revocations, lists, requests, operators. " +
				"With --heads the journal is compared with heads that were kept elsewhere as well.",
		}),
		Example: "  gosklyuch journal verify --dir issuing\n  gosklyuch journal verify --proof record-7.json --cert issuing.cer",
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cert != "" && proof == "" && heads == "" {
				return usageError(text{"--cert нужен вместе с --proof или --heads", "--cert goes with --proof or --heads"})
			}
			if proof != "" {
				return a.verifyProof(proof, cert, f)
			}
			return a.verifyJournal(cmd.Context(), f, heads, cert)
		},
	}
	a.journalDirFlag(c, &f)
	c.Flags().StringVar(&heads, "heads", "", a.t(text{"подписанные вершины, сохранённые командой journal sign -o", "signed heads that journal sign -o wrote"}))
	c.Flags().StringVar(&proof, "proof", "", a.t(text{"доказательство, сделанное командой journal prove", "a proof that journal prove made"}))
	c.Flags().StringVar(&cert, "cert", "", a.t(text{"сертификат УЦ или владельца ключа, которому вы доверяете", "the certificate of the authority or of the key's owner, that you trust"}))
	a.showPersonalFlag(c, &f)
	c.MarkFlagsMutuallyExclusive("proof", "heads")
	c.MarkFlagsMutuallyExclusive("cert", "dir")
	return c
}

func (a *app) verifyJournal(ctx context.Context, f journalFlags, headsFile, certFile string) error {
	j, err := a.openJournal(ctx, f)
	if err != nil {
		return err
	}
	defer j.close()
	report, err := j.verifyState(ctx)
	if err == nil && headsFile != "" {
		err = a.compareHeads(ctx, j, f, headsFile, certFile)
	}
	if err != nil {
		return a.damaged(err)
	}
	v := journalVerdict{Status: "valid", StatusText: a.t(text{"Журнал цел", "The journal is whole"})}
	for _, node := range slices.Sorted(maps.Keys(report.Chains)) {
		v.Chains = append(v.Chains, report.Chains[node])
	}
	if f.dir != "" {
		v.State = &stateCounts{report.Certificates, report.Requests, report.Operators, report.Unproven, report.First}
	}
	if report.Unproven > 0 {
		v.Status, v.StatusText = "indeterminate", a.t(text{"Журнал цел, но не всё состояние удалось сверить с ним", "The journal is whole, but not all of the state could be compared with it"})
	}
	if a.json {
		err = a.printJSON(v)
	} else {
		a.printVerdict(v)
	}
	if err == nil && report.Unproven > 0 {
		return verdict{exitIndeterminate}
	}
	return err
}

func (a *app) printVerdict(v journalVerdict) {
	fmt.Fprintln(a.out, v.StatusText)
	for _, h := range v.Chains {
		a.sayf(text{"цепочка %s: записей %d, хэш последней %s", "chain %s: %d records, digest of the last %s"}, h.Node, h.Seq, h.Hash)
	}
	if s := v.State; s != nil {
		a.sayf(text{"состояние сверено с журналом: сертификатов %d, запросов %d, сотрудников %d", "the state is what the journal says: certificates %d, requests %d, operators %d"},
			s.Certificates, s.Requests, s.Operators)
		if s.Unproven > 0 {
			what := stateText(s.First)
			a.warnf(text{"не удалось сверить: %d, значения стёрты из журнала; первое: %s", "could not be compared: %d, values were erased from the journal; the first: %s"},
				s.Unproven, a.t(text{safe(what.ru), safe(what.en)}))
		}
	}
}

// stateNames are the kinds of what a ledger's state consists of.
var stateNames = map[ca.StateKind]text{
	ca.StateAuthority:   {"сертификат УЦ", "the authority's certificate"},
	ca.StateCertificate: {"сертификат", "certificate"},
	ca.StateBlockedKey:  {"заблокированный ключ", "blocked key"},
	ca.StateList:        {"список отзыва №", "revocation list No."},
	ca.StateRequest:     {"запрос", "request"},
	ca.StateOperator:    {"сотрудник", "operator"},
}

// stateText names a place of a ledger's state and what is wrong with it.
func stateText(e *ca.StateError) text {
	out := stateNames[e.Kind]
	if e.Name != "" {
		out = text{out.ru + " " + e.Name, out.en + " " + e.Name}
	}
	add := func(ru, en string) { out = text{out.ru + ru, out.en + en} }
	switch e.Field {
	case "entry":
		add(": в журнале есть, в хранилище нет", ": in the journal and not in the ledger")
	case "record":
		add(": в хранилище есть, в журнале нет", ": in the ledger and not in the journal")
	case "listed":
		add(": неверно отмечено, попадёт ли он в список отзыва", ": the mark whether the next list names it is wrong")
	default:
		add(fmt.Sprintf(": поле %s", e.Field), fmt.Sprintf(": field %s", e.Field))
		if e.Has != "" || e.Wants != "" {
			add(fmt.Sprintf(", в хранилище «%s», по журналу «%s»", e.Has, e.Wants), fmt.Sprintf(", %q in the ledger, %q by the journal", e.Has, e.Wants))
		}
	}
	if e.Seq > 0 {
		place := fmt.Sprintf("%s/%d", e.Node, e.Seq)
		add(", запись "+place, ", record "+place)
	}
	return out
}

// damaged reports what is wrong with a journal and ends with exit code 3; an
// error that only kept it from being read stays one.
func (a *app) damaged(err error) error {
	var s *ca.StateError
	if !journal.IsDamage(err) && !errors.As(err, &s) {
		return err
	}
	sentence := journalError(err)
	if s != nil {
		what := stateText(s)
		sentence = newError(exitInvalid, text{"состояние УЦ расходится с журналом: " + safe(what.ru), "the authority's state is not what its journal says: " + safe(what.en)}).
			withCause(err).withHint(text{"сохраните хранилище как есть и сравните с резервной копией", "keep the ledger as it is and compare it with a backup copy"})
	}
	u := a.sentence(sentence)
	if !a.json {
		return u
	}
	v := journalVerdict{Status: "invalid", StatusText: a.t(u.message), Detail: err.Error(), Remedy: a.t(u.hint), Damage: &journalDamage{}}
	var d *journal.DamageError
	var h *journal.HeadsError
	switch {
	case s != nil:
		v.Damage.State = s
	case errors.As(err, &d):
		*v.Damage = journalDamage{Kind: d.Kind, Node: d.Node, Seq: d.Seq, Last: d.Last}
	case errors.As(err, &h):
		v.Damage.HeadsNumber = h.Number
	default:
		v.Damage = nil
	}
	if err := a.printJSON(v); err != nil {
		return err
	}
	return verdict{exitInvalid}
}

// signerOf returns the certificate of who signed a journal's heads: that of the
// authority, and for the home one that the caller trusts.
func (a *app) signerOf(f journalFlags, certFile string) (*pki.Certificate, error) {
	switch {
	case f.dir != "":
		return a.authorityOf(f.dir)
	case certFile != "":
		return a.readCertificate(certFile)
	}
	return nil, usageError(text{"вместе с --heads нужен --dir (журнал УЦ) или --cert (чей ключ подписал вершины)", "--heads goes with --dir (an authority's journal) or --cert (whose key signed the heads)"})
}

// compareHeads checks a journal against signed heads from elsewhere.
func (a *app) compareHeads(ctx context.Context, j journalSource, f journalFlags, file, certFile string) error {
	authority, err := a.signerOf(f, certFile)
	if err != nil {
		return err
	}
	b, err := a.readFile(file)
	if err != nil {
		return err
	}
	kept, err := journal.ParseSignedHeads(b)
	if err != nil {
		return failedf(text{"%s: это не подписанные вершины журнала", "%s: these are no signed heads of a journal"}, file).withCause(err)
	}
	if err := kept.VerifyBy(authority); err != nil {
		return err
	}
	now, err := j.heads(ctx)
	if err != nil {
		return err
	}
	for _, c := range kept.Chains {
		head, ok := now[c.Node]
		if !ok {
			return &journal.DamageError{Kind: journal.Truncated, Node: c.Node, Seq: 1, Position: 1}
		}
		if _, err := journal.VerifySigned(j.records(ctx, c.Node, 0), head, just(c)); err != nil {
			return err
		}
	}
	return nil
}

// just yields one value.
func just[T any](v T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { yield(v, nil) }
}

// verifyProof checks a proof without a journal. Without a certificate that the
// caller trusts, nothing is established: the one in the proof is a stranger's.
func (a *app) verifyProof(file, certFile string, f journalFlags) error {
	p, err := a.readProof(file)
	if err != nil {
		return err
	}
	var authority *pki.Certificate
	known := true
	switch {
	case certFile != "":
		authority, err = a.readCertificate(certFile)
	case f.dir != "":
		authority, err = a.authorityOf(f.dir)
	default:
		known = false
		if authority, err = pki.ParseCertificate(p.Certificate); err != nil {
			return usageError(text{"укажите сертификат УЦ: --cert или --dir", "give the authority's certificate: --cert or --dir"})
		}
	}
	if err != nil {
		return err
	}
	if err := p.Verify(authority); err != nil {
		return a.damaged(err)
	}
	r := viewRecord(p.Record, f.personal)
	r.inProof = true
	signer := authority.Subject.String()
	if !f.personal {
		signer = journal.Mask(signer)
	}
	v := journalVerdict{
		Status: "valid", StatusText: a.t(text{"Доказательство верно", "The proof holds"}), Record: &r, HeadsTime: stamp(p.Heads.Time),
	}
	if !known {
		v.Status, v.StatusText = "indeterminate", a.t(text{"Не удалось проверить", "Could not be checked"})
		v.Remedy = a.t(text{
			"подпись сходится с сертификатом из самого доказательства; чей он, неизвестно: укажите --cert или --dir",
			"the signature fits the certificate in the proof itself; whose that is, is not known: give --cert or --dir",
		})
	}
	if a.json {
		err = a.printJSON(v)
	} else {
		fmt.Fprintln(a.out, v.StatusText)
		a.printWhole(r)
		a.sayf(text{"вершины подписаны %s: %s", "heads signed at %s: %s"}, v.HeadsTime, safe(signer))
		if v.Remedy != "" {
			a.warnf(text{"%s", "%s"}, v.Remedy)
		}
	}
	if err == nil && !known {
		return verdict{exitIndeterminate}
	}
	return err
}

func (a *app) readProof(file string) (journal.Proof, error) {
	b, err := a.readFile(file)
	if err != nil {
		return journal.Proof{}, err
	}
	p, err := journal.ParseProof(b)
	if err != nil {
		return p, failedf(text{"%s: это не доказательство о записи журнала", "%s: this is no proof about a record of a journal"}, file).withCause(err)
	}
	return p, nil
}

func (a *app) journalProveCommand() *cobra.Command {
	var f journalFlags
	var key string
	var out output
	c := &cobra.Command{
		Use:   "prove SEQ [--dir D] [--node N] [--key K] -o F",
		Short: a.t(text{"доказательство, что запись стоит в журнале", "a proof that a record stands in the journal"}),
		Long: a.t(text{
			"Доказательство проверяется без журнала: gosklyuch journal verify --proof F. Персональные данные в него не попадают, если нет " +
				"--show-personal. Для журнала УЦ берутся последние подписанные вершины (journal sign), для журнала из домашней папки " +
				"вершину подписывает --key.",
			"The proof is checked without the journal: gosklyuch journal verify --proof F. Personal data is left out of it without " +
				"--show-personal. For an authority the last signed heads are taken (journal sign), for the journal in the home " +
				"--key signs the head.",
		}),
		Args: args(1, 1, text{"номер записи", "the number of the record"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			seq, err := recordNumber(arg[0])
			if err != nil {
				return err
			}
			if err := f.orKey(key); err != nil {
				return err
			}
			if err := out.checkFree(); err != nil {
				return err
			}
			p, err := a.prove(cmd.Context(), f, key, seq)
			if err != nil {
				return journalError(err)
			}
			return a.writeProof(p, f, out)
		},
	}
	a.journalDirFlag(c, &f)
	a.journalNodeFlag(c, &f)
	c.Flags().StringVar(&key, "key", "", a.t(keyHelp))
	a.showPersonalFlag(c, &f)
	a.outputFlags(c, &out, true)
	return c
}

// prove makes a proof from an authority's ledger, or from the journal in the
// home with a head that the key signs.
func (a *app) prove(ctx context.Context, f journalFlags, key string, seq uint64) (journal.Proof, error) {
	if key == "" {
		j, err := a.openJournal(ctx, f)
		if err != nil {
			return journal.Proof{}, err
		}
		defer j.close()
		node, err := f.chain(ctx, j)
		if err != nil {
			return journal.Proof{}, err
		}
		return j.prove(ctx, node, seq)
	}
	heads, cert, err := a.signHomeHeads(ctx, key)
	if err != nil {
		return journal.Proof{}, err
	}
	home, err := a.homeDir()
	if err != nil {
		return journal.Proof{}, err
	}
	p, err := journal.Prove(journal.NewFile(filepath.Join(home, homeJournal)).Records(), journal.DefaultNode, seq, heads)
	p.Certificate = cert.Raw
	return p, err
}

// signHomeHeads verifies the journal in the home and signs its end with a
// person's key. Each statement stands for itself: the home keeps none of them.
func (a *app) signHomeHeads(ctx context.Context, key string) (journal.SignedHeads, *pki.Certificate, error) {
	home, err := a.homeDir()
	if err != nil {
		return journal.SignedHeads{}, nil, err
	}
	chain, err := chainOfFile(ctx, journal.NewFile(filepath.Join(home, homeJournal)))
	if err != nil {
		return journal.SignedHeads{}, nil, err
	}
	k, err := a.openKey(ctx, key, secretPassword)
	if err != nil {
		return journal.SignedHeads{}, nil, err
	}
	defer k.close()
	if k.cert == nil {
		return journal.SignedHeads{}, nil, usageErrorf(text{"у ключа %s нет сертификата", "the key %s carries no certificate"}, key)
	}
	signed, err := journal.Heads{
		Number: 1, Time: a.now(), Authority: journal.AuthorityDigest(k.cert), Chains: []journal.ChainHead{chain},
	}.Sign(nil, k.signer)
	if err == nil {
		err = signed.VerifyBy(k.cert) // a key whose certificate has expired
	}
	return signed, k.cert, err
}

// chainOfFile verifies the journal in the home and returns its end with its
// tree. Others may append meanwhile: what they add is left for the next time.
func chainOfFile(ctx context.Context, file *journal.File) (journal.ChainHead, error) {
	head, err := file.Verify(ctx)
	if err != nil {
		return journal.ChainHead{}, err
	}
	var tree journal.Tree
	for r, err := range file.Records() {
		if err != nil {
			return journal.ChainHead{}, err
		}
		if r.Seq > head.Seq {
			break
		}
		tree.Add(r.Hash)
	}
	return journal.NewChainHead(head, tree)
}

// writeProof takes personal data out of a proof unless it is asked for, and
// writes it.
func (a *app) writeProof(p journal.Proof, f journalFlags, out output) error {
	if !f.personal {
		_, masked := p.Record.Masked()
		r, err := p.Record.Erase(masked...)
		if err != nil {
			return err
		}
		p.Record = r
	}
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	if len(b) > limits.JournalProof {
		return failedf(text{"доказательство слишком велико", "the proof is too large"})
	}
	if err := a.writeBytes(out, append(b, '\n')); err != nil {
		return err
	}
	return a.done(out.path, text{"доказательство записано: %s", "the proof is written: %s"})
}
