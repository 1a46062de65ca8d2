package cli

import (
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/journal"
)

// damageTexts say what is wrong at a place of a chain.
var damageTexts = map[journal.Kind]text{
	journal.Malformed: {"не читается", "cannot be read"},
	journal.Changed:   {"изменена", "was changed"},
	journal.Removed:   {"удалена", "was removed"},
	journal.Reordered: {"стоит не на своём месте", "is not in its place"},
	journal.Truncated: {"отсутствует вместе со всем, что было после неё", "is missing, with everything that came after it"},
	journal.Erased:    {"лишилась значения, а записи о стирании нет", "lost a value, and no record says that it was erased"},
	journal.Headless:  {"и следующие не подтверждены: файл вершины (journal.jsonl.head) удалён или заменён старым", "and those behind it have no head: its file (journal.jsonl.head) was removed or replaced by an older one"},
}

// damageText is the sentence for a damaged chain.
func damageText(d *journal.DamageError) text {
	what := damageTexts[d.Kind]
	if d.Last > d.Seq {
		return text{
			fmt.Sprintf("журнал нарушен: цепочка %s, одна из записей с %d по %d изменена", d.Node, d.Seq, d.Last),
			fmt.Sprintf("the journal is damaged: chain %s, one of the records %d to %d was changed", d.Node, d.Seq, d.Last),
		}
	}
	return text{
		fmt.Sprintf("журнал нарушен: цепочка %s, запись %d %s", d.Node, d.Seq, what.ru),
		fmt.Sprintf("the journal is damaged: chain %s, record %d %s", d.Node, d.Seq, what.en),
	}
}

// journalSentences are what a journal refuses, by its sentinel errors.
var journalSentences = []struct {
	err     error
	code    int
	message text
	hint    text
}{
	{journal.ErrNoRecord, exitFailed, text{"в журнале нет такой записи", "the journal has no such record"}, text{"список: gosklyuch journal list", "the list: gosklyuch journal list"}},
	{journal.ErrNoField, exitUsage, text{"в записи нет такого поля", "the record has no such field"}, text{"поля: subject и data.КЛЮЧ, см. gosklyuch journal show", "fields: subject and data.KEY, see gosklyuch journal show"}},
	{journal.ErrErasure, exitFailed, text{"это из журнала не стирается", "this is not erased from the journal"}, text{"записи heads и erase никого не называют и нужны для проверки", "records of heads and erase name nobody and are needed for checking"}},
	{journal.ErrNotCovered, exitFailed, text{"запись сделана позже последних подписанных вершин журнала", "the record is newer than the last signed heads of the journal"}, text{"подпишите вершины: gosklyuch journal sign", "sign the heads: gosklyuch journal sign"}},
	{journal.ErrLocked, exitFailed, text{"журнал слишком долго занят другим процессом", "another process holds the journal for too long"}, text{"дождитесь его или остановите", "wait for it or stop it"}},
	{journal.ErrAuthority, exitInvalid, text{"вершины журнала подписаны не этим УЦ", "the heads of the journal are those of another authority"}, text{}},
	{journal.ErrHeadsSignature, exitInvalid, text{"подпись под вершинами журнала неверна", "the signature of the journal's heads does not hold"}, text{}},
	{journal.ErrHeads, exitInvalid, text{"подписанные вершины журнала нарушены", "the signed heads of the journal are damaged"}, text{}},
	{journal.ErrProof, exitInvalid, text{"доказательство неверно: запись не ведёт к подписанной вершине", "the proof does not hold: the record does not lead to the signed head"}, text{}},
}

// journalError turns an error about a journal into a sentence; others stay.
func journalError(err error) error {
	var d *journal.DamageError
	if errors.As(err, &d) {
		return newError(exitInvalid, damageText(d)).withCause(err).
			withHint(text{"сохраните журнал как есть и сравните с резервной копией", "keep the journal as it is and compare it with a backup copy"})
	}
	for _, s := range journalSentences {
		if !errors.Is(err, s.err) {
			continue
		}
		m := s.message
		var h *journal.HeadsError
		if errors.As(err, &h) {
			n := fmt.Sprintf(" (№ %d)", h.Number)
			m = text{m.ru + n, m.en + fmt.Sprintf(" (No. %d)", h.Number)}
		}
		return newError(s.code, m).withCause(err).withHint(s.hint)
	}
	return err
}
