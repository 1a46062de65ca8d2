package cli

import (
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
)

// crlCommand is the noun for certificate revocation lists.
func (a *app) crlCommand() *cobra.Command {
	return a.group("crl", text{"списки отзыва сертификатов", "certificate revocation lists"},
		a.crlShowCommand(), a.crlVerifyCommand())
}

// A crlView is `crl show --json`.
type crlView struct {
	Issuer         string        `json:"issuer"`
	ThisUpdate     string        `json:"thisUpdate"`
	NextUpdate     string        `json:"nextUpdate,omitempty"`
	Number         string        `json:"number,omitempty"`
	BaseNumber     string        `json:"baseNumber,omitempty"`
	AuthorityKeyID string        `json:"authorityKeyIdentifier,omitempty"`
	SignatureAlg   string        `json:"signatureAlgorithm"`
	Count          int           `json:"count"`
	Entries        []crlEntry    `json:"entries"`
	Findings       []findingView `json:"findings,omitempty"`
}

// A crlEntry is one revoked certificate.
type crlEntry struct {
	Serial         string `json:"serial"`
	RevokedAt      string `json:"revokedAt"`
	Reason         string `json:"reason,omitempty"`
	InvalidityDate string `json:"invalidityDate,omitempty"`
}

func (a *app) crlShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show F",
		Short: a.t(text{"показать список отзыва", "show a revocation list"}),
		Args:  args(1, 1, text{"файл списка отзыва", "the revocation list's file"}),
		RunE: func(_ *cobra.Command, arg []string) error {
			lists, err := a.readCRLs(arg[0])
			if err != nil {
				return err
			}
			if a.json {
				v, err := viewCRL(lists[0])
				if err != nil {
					return err
				}
				return a.printJSON(v)
			}
			for _, l := range lists {
				if err := a.printCRL(l); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func crlHead(l *pki.RevocationList) crlView {
	v := crlView{
		Issuer: l.Issuer.String(), ThisUpdate: stamp(l.ThisUpdate), NextUpdate: stamp(l.NextUpdate),
		AuthorityKeyID: hex.EncodeToString(l.AuthorityKeyID), SignatureAlg: l.SignatureAlgorithm.OID.Name(),
		Count: l.Len(), Entries: []crlEntry{}, Findings: findingViews(l.Findings),
	}
	if l.Number != nil {
		v.Number = l.Number.String()
	}
	if l.BaseNumber != nil {
		v.BaseNumber = l.BaseNumber.String()
	}
	return v
}

func viewCRL(l *pki.RevocationList) (crlView, error) {
	v := crlHead(l)
	for e, err := range l.Entries() {
		if err != nil {
			return v, err
		}
		v.Entries = append(v.Entries, viewEntry(e))
	}
	return v, nil
}

func viewEntry(e pki.RevokedEntry) crlEntry {
	v := crlEntry{Serial: fmt.Sprintf("%x", e.Serial), RevokedAt: stamp(e.At), InvalidityDate: stamp(e.InvalidityDate)}
	if e.Reason != pki.ReasonAbsent {
		v.Reason = reasonName(e.Reason)
	}
	return v
}

// printCRL prints a list for a person, an entry a line.
func (a *app) printCRL(l *pki.RevocationList) error {
	v := crlHead(l)
	a.printLines([]line{
		{text{"Издатель", "Issuer"}, v.Issuer},
		{text{"Выпущен", "This update"}, v.ThisUpdate},
		{text{"Следующий", "Next update"}, v.NextUpdate},
		{text{"Номер", "Number"}, v.Number},
		{text{"Дополняет номер", "Base number"}, v.BaseNumber},
		{text{"Идентификатор ключа издателя", "Authority key identifier"}, v.AuthorityKeyID},
		{text{"Алгоритм подписи", "Signature algorithm"}, v.SignatureAlg},
		{text{"Отозвано", "Revoked"}, fmt.Sprint(v.Count)},
	})
	for e, err := range l.Entries() {
		if err != nil {
			return err
		}
		x := viewEntry(e)
		fmt.Fprintf(a.out, "  %s  %s  %s\n", x.Serial, x.RevokedAt, x.Reason)
	}
	a.printFindings(v.Findings)
	return nil
}

func (a *app) crlVerifyCommand() *cobra.Command {
	var issuer string
	var at moment
	c := &cobra.Command{
		Use:   "verify F --issuer F",
		Short: a.t(text{"проверить подпись и срок списка отзыва", "check a revocation list's signature and dates"}),
		Args:  args(1, 1, text{"файл списка отзыва", "the revocation list's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			list, err := a.readCRL(arg[0])
			if err != nil {
				return err
			}
			ca, err := a.readCertificate(issuer)
			if err != nil {
				return err
			}
			v := a.plainVerifier()
			v.Now = at.clock(a.now)
			at.exact(v.Policy)
			rep, _ := v.VerifyCRL(cmd.Context(), list, ca)
			return a.printReport(rep)
		},
	}
	c.Flags().StringVar(&issuer, "issuer", "", a.t(text{"сертификат издателя", "the issuer's certificate"}))
	a.atFlag(c, &at)
	a.verboseFlag(c)
	a.required(c, "issuer")
	return c
}

// reasonNames are the names of CRLReason (RFC 5280, section 5.3.1).
var reasonNames = map[int]string{
	pki.ReasonUnspecified: "unspecified", pki.ReasonKeyCompromise: "keyCompromise", pki.ReasonCACompromise: "cACompromise",
	pki.ReasonAffiliationChanged: "affiliationChanged", pki.ReasonSuperseded: "superseded",
	pki.ReasonCessationOfOperation: "cessationOfOperation", pki.ReasonCertificateHold: "certificateHold",
	pki.ReasonRemoveFromCRL: "removeFromCRL", pki.ReasonPrivilegeWithdrawn: "privilegeWithdrawn", pki.ReasonAACompromise: "aACompromise",
}

func reasonName(r int) string {
	if n, ok := reasonNames[r]; ok {
		return n
	}
	return fmt.Sprint(r)
}
