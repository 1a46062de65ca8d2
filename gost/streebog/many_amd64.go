//go:build amd64 && !purego

package streebog

// A schedule keeps the lanes full: where one message ends the next begins. The
// lanes in use are the first ones.
type schedule struct {
	messages [][]byte
	size     int
	out      func(i int, h *state)

	next  int // message that has not begun
	used  int
	lanes [maxLanes]lane
	works [maxLanes]work
}

// A phase is what the blocks of a lane are.
type phase int

const (
	whole    phase = iota // whole blocks of the message
	last                  // what is left, padded (RFC 6986, section 9, step 3.1)
	count                 // the length in bits (step 3.4)
	checksum              // the sum of the blocks (step 3.5)
)

// A work is what is known of the message in a lane.
type work struct {
	message int
	phase   phase
	left    int // blocks of the phase
	done    int // bytes of the message in phase whole
	sigma   state
	block   [BlockSize]byte // of the phases after whole
}

func (s *schedule) run() {
	for s.used < maxLanes && s.next < len(s.messages) {
		s.begin(s.used)
		s.used++
	}
	for s.used > 0 {
		n := maxBlocks
		for _, w := range s.works[:s.used] {
			n = min(n, w.left)
		}
		s.blocks(n)
		for k := s.used - 1; k >= 0; k-- {
			w := &s.works[k]
			w.left -= n
			if w.left == 0 {
				s.proceed(k)
				continue
			}
			w.done += n * BlockSize // more is left only of whole
			s.lanes[k].data = &s.messages[w.message][w.done]
		}
	}
}

// blocks hashes n blocks of each lane.
func (s *schedule) blocks(n int) {
	switch s.used {
	case 1:
		blocksVBMI(vbmi, (*[1]lane)(s.lanes[:1]), n)
	case 2:
		blocks2VBMI(vbmi, (*[2]lane)(s.lanes[:2]), n)
	case 3:
		blocks3VBMI(vbmi, (*[3]lane)(s.lanes[:3]), n)
	default:
		blocks4VBMI(vbmi, &s.lanes, n)
	}
}

// begin puts the next message into lane k.
func (s *schedule) begin(k int) {
	m := s.messages[s.next]
	s.lanes[k] = lane{h: initial(s.size)}
	s.works[k] = work{message: s.next, phase: whole, left: len(m) / BlockSize}
	s.next++
	if s.works[k].left == 0 {
		s.proceed(k)
		return
	}
	s.lanes[k].data = &m[0]
}

// proceed goes on to the next phase of lane k, or to the next message.
func (s *schedule) proceed(k int) {
	l, w := &s.lanes[k], &s.works[k]
	m := s.messages[w.message]
	w.phase++
	w.left = 1
	switch w.phase {
	case last:
		clear(w.block[copy(w.block[:], m[len(m)/BlockSize*BlockSize:]):])
		w.block[len(m)%BlockSize] = 1
	case count:
		w.sigma = l.sigma
		n := bitCount(uint64(len(m)))
		put(w.block[:], &n)
		l.length = 0
	case checksum:
		put(w.block[:], &w.sigma)
		l.length = 0
	default:
		s.out(w.message, &l.h)
		s.replace(k)
		return
	}
	l.data = &w.block[0]
}

// replace gives lane k, whose message is done, another one.
func (s *schedule) replace(k int) {
	if s.next < len(s.messages) {
		s.begin(k)
		return
	}
	s.used--
	if k == s.used {
		return
	}
	s.lanes[k], s.works[k] = s.lanes[s.used], s.works[s.used]
	if s.works[k].phase != whole {
		s.lanes[k].data = &s.works[k].block[0]
	}
}
