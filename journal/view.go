package journal

// ViewTime is how a view prints the time of a record: UTC with milliseconds, in
// the form of RFC 3339.
const ViewTime = "2006-01-02T15:04:05.000Z07:00"

// A View is a record as it is shown and exported in JSON: personal values are
// masked unless they were asked for.
type View struct {
	Node    string            `json:"node"`
	Seq     uint64            `json:"seq"`
	Time    string            `json:"time"` // by ViewTime
	Actor   string            `json:"actor"`
	Event   string            `json:"event"`
	Subject string            `json:"subject"`
	Data    map[string]string `json:"data,omitempty"`
	Masked  []string          `json:"masked,omitempty"` // fields whose values are not shown
	Erased  []string          `json:"erased,omitempty"` // fields whose values are gone
	Prev    Digest            `json:"prev"`
	Hash    Digest            `json:"hash"`
}

// View returns the record's view; personal shows what [Record.Masked] hides.
func (r Record) View(personal bool) View {
	v := View{
		Node: r.Node, Seq: r.Seq, Time: r.Time.UTC().Format(ViewTime), Actor: r.Actor, Event: r.Event,
		Subject: r.Subject, Data: r.Data, Prev: r.Prev, Hash: r.Hash,
	}
	if !personal {
		e, masked := r.Masked()
		v.Actor, v.Subject, v.Data, v.Masked = e.Actor, e.Subject, e.Data, masked
	}
	for _, f := range r.Fields() {
		if _, gone := r.Value(f); gone {
			v.Erased = append(v.Erased, f)
		}
	}
	return v
}
