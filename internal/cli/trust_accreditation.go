package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
	"github.com/gosklyuch/gosklyuch/trust"
	"github.com/gosklyuch/gosklyuch/verify"
)

// national gives a verifier what the home knows of the country's rules: the
// list of accredited authorities, where one was imported, and the rules of the
// qualified certificate. A list that is there and cannot be read is an error:
// its absence would be silent.
func (a *app) national(v *verify.Verifier) error {
	rules := sets.FSB795()
	v.Qualified = &rules
	store, err := a.trustStore()
	if err != nil {
		return err
	}
	list, err := store.TrustList()
	if errors.Is(err, trust.ErrNoList) {
		return nil
	}
	if err != nil {
		return err
	}
	v.Accreditation = func(_ context.Context, issuer *pki.Certificate, _ []*pki.Certificate, day time.Time) verify.AccreditationAnswer {
		return a.accreditation(list, issuer, day)
	}
	return nil
}

// accreditation turns the answer of the list into the verifier's.
func (a *app) accreditation(list *trust.List, issuer *pki.Certificate, day time.Time) verify.AccreditationAnswer {
	x := list.Accreditation(issuer, day)
	out := verify.AccreditationAnswer{}
	switch x.State {
	case trust.Active:
		out.State = verify.Accredited
	case trust.Suspended, trust.Terminated:
		out.State = verify.NotAccredited
	default:
		out.State = verify.AccreditationUnknown
	}
	if x.Authority != nil {
		out.Authority = x.Authority.Name
	}
	out.Detail = a.t(accreditationDetail(list, x))
	return out
}

// accreditationDetail says on what the answer rests.
func accreditationDetail(list *trust.List, x trust.Answer) text {
	date := stamp(list.Date)
	since := stamp(x.Status.Since)
	switch x.Reason {
	case trust.ReasonStatus:
		return text{
			fmt.Sprintf("статус в перечне от %s: «%s» с %s", date, x.Status.Text, since),
			fmt.Sprintf("status in the list of %s: «%s» since %s", date, x.Status.Text, since),
		}
	case trust.ReasonNotListed:
		return text{"ключа издателя нет в перечне от " + date, "the issuer's key is not in the list of " + date}
	case trust.ReasonBefore:
		return text{"история статусов в перечне от " + date + " начинается позже", "the history of statuses in the list of " + date + " begins later"}
	case trust.ReasonAfter:
		return text{
			"перечень издан раньше, " + date + ": загрузите новый (gosklyuch trust import)",
			"the list is older, of " + date + ": import a newer one (gosklyuch trust import)",
		}
	case trust.ReasonUnknownText:
		return text{
			fmt.Sprintf("неизвестный статус в перечне от %s: «%s»", date, x.Status.Text),
			fmt.Sprintf("unknown status in the list of %s: «%s»", date, x.Status.Text),
		}
	case trust.ReasonConflict:
		return text{"сведения в перечне от " + date + " противоречат друг другу", "entries of the list of " + date + " contradict each other"}
	default:
		return text{"ключ издателя не читается", "the issuer's key cannot be read"}
	}
}
