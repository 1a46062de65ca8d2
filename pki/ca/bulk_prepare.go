package ca

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki"
)

// bulkGroup is how many items one processor takes at a time: digests and
// signatures are computed side by side, several times eight of them, and no
// processor waits long for another at the end of a batch.
const bulkGroup = 32

// prepareBatch does what needs no transaction, on all processors. What it leaves
// without a certificate is refused, or was issued before.
func (i *Issuer) prepareBatch(ctx context.Context, batch []*bulkWork, actor string) {
	groups := make(chan []*bulkWork)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for g := range groups {
				i.prepareGroup(ctx, g, actor)
			}
		})
	}
	for g := range slices.Chunk(batch, bulkGroup) {
		groups <- g
	}
	close(groups)
	wg.Wait()
}

// prepareGroup takes a group from step to step; an item that is refused, or was
// issued before, takes part in no later one.
func (i *Issuer) prepareGroup(ctx context.Context, group []*bulkWork, actor string) {
	group = keep(group, (*bulkWork).read)
	nameRequests(group)
	group = keep(group, func(w *bulkWork) error { return i.begin(ctx, w, actor) })
	group = check(group, requestSignatures, possession)
	group = keep(group, func(w *bulkWork) error { return i.signWork(ctx, w) })
	check(group, func(g []*bulkWork) []error {
		list := make([]*pki.Certificate, len(g))
		for n, w := range g {
			list[n] = w.ready.cert
		}
		return pki.CheckSignaturesFrom(list, i.cert)
	}, faultless)
}

// keep does a step for every item and returns those that go on.
func keep(group []*bulkWork, step func(*bulkWork) error) []*bulkWork {
	out := make([]*bulkWork, 0, len(group))
	for _, w := range group {
		switch err := step(w); {
		case err == nil:
			out = append(out, w)
		case !errors.Is(err, errIssuedBefore):
			w.refuse(err)
		}
	}
	return out
}

// check verifies the signatures of a group together, and refuses each item by
// what judge makes of its own result.
func check(group []*bulkWork, verify func([]*bulkWork) []error, judge func(error) error) []*bulkWork {
	errs := verify(group)
	n := -1
	return keep(group, func(*bulkWork) error { n++; return judge(errs[n]) })
}

func requestSignatures(group []*bulkWork) []error {
	list := make([]*pki.CertificateRequest, len(group))
	for n, w := range group {
		list[n] = w.csr
	}
	return pki.CheckRequestSignatures(list)
}

// refuse notes why an item gets no certificate.
func (w *bulkWork) refuse(err error) {
	w.ready, w.result.Outcome, w.result.Err = nil, BulkRefused, err
}

// read parses the request.
func (w *bulkWork) read() error {
	if w.item.Err != nil {
		return w.item.Err
	}
	var err error
	if w.csr, err = pki.ParseRequest(w.item.CSR); err != nil {
		return &RequestError{Field: "request", Detail: "not readable", Err: err}
	}
	return nil
}

// nameRequests gives each item its RequestID.
func nameRequests(group []*bulkWork) {
	raw := make([][]byte, len(group))
	for n, w := range group {
		raw[n] = w.csr.Raw
	}
	digests := make([][streebog.Size256]byte, len(group))
	streebog.Sum256Many(digests, raw)
	for n, w := range group {
		w.result.ID = hexDigest(digests[n])
	}
}

// errIssuedBefore ends the preparation of an item that finishBatch knows about.
var errIssuedBefore = errors.New("ca: the request was handed in before")

// begin looks at a request, up to its signature. What was issued before costs
// one look at the ledger.
func (i *Issuer) begin(ctx context.Context, w *bulkWork, actor string) error {
	switch _, err := i.Request(ctx, w.result.ID); {
	case err == nil:
		return errIssuedBefore
	case !errors.Is(err, ErrNotFound):
		return err
	}
	p, err := i.profileFor(w.item.Profile, w.csr.Subject)
	if err != nil {
		return err
	}
	if p.Approvals.Count > 0 {
		return ErrApprovalNeeded
	}
	r := Request{CSR: w.csr, Days: w.item.Days, IdentificationKind: w.item.IdentificationKind, Actor: actor}
	w.candidate = candidate{profile: p, digest: i.profiles.digests[p.Ref()], request: r, id: w.result.ID}
	return i.examine(&w.candidate)
}

// signWork makes the certificate, which must be verified before it is kept.
func (i *Issuer) signWork(ctx context.Context, w *bulkWork) error {
	prepared, err := i.prepareExamined(ctx, w.candidate)
	if err != nil {
		return err
	}
	cert, err := i.signUnverified(prepared)
	if err != nil {
		return err
	}
	w.ready = &signed{prepared, cert}
	r := w.candidate.request
	w.entry = RequestEntry{
		ID: w.result.ID, State: Issued, Profile: prepared.entry.Profile, ProfileDigest: w.candidate.digest, Days: r.Days,
		IdentificationKind: r.IdentificationKind, CSR: r.CSR.Raw, Submitter: r.Actor, Serial: prepared.entry.Serial,
	}
	return nil
}
