package cli

import (
	"fmt"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func TestRefusalDetail(t *testing.T) {
	for _, test := range []struct {
		err    error
		ru, en string
	}{
		{
			fmt.Errorf("%w: it is %s", ca.ErrState, ca.Submitted),
			"такое действие невозможно: запрос в состоянии «подан»", "the request is submitted, so that is not possible",
		},
		{
			fmt.Errorf("%w: it has 8 statements", ca.ErrState),
			"в этом состоянии запроса такое действие невозможно", "the state of the request does not allow that",
		},
		{
			fmt.Errorf("%w: the certificate %s is revoked", ca.ErrRenewal, "01a2"),
			"в перевыпуске отказано: сертификат 01a2 отозван", "the renewal is refused: the certificate 01a2 is revoked",
		},
		{
			fmt.Errorf("%w: %s", ca.ErrOperatorExists, "boris"),
			"имя, ключ или человек (СНИЛС, ИНН) уже записаны среди сотрудников: boris",
			"the name, the key or the person (SNILS, INN) is registered already: boris",
		},
	} {
		got := issuingError(test.err)
		if got == nil {
			t.Errorf("%v: no sentence", test.err)
			continue
		}
		if got.message.ru != test.ru || got.message.en != test.en {
			t.Errorf("%v: got %q, %q", test.err, got.message.ru, got.message.en)
		}
	}
}
