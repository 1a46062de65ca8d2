package casock

import "testing"

func TestAllowed(t *testing.T) {
	for _, tt := range []struct {
		peer, own uint32
		want      bool
	}{{1000, 1000, true}, {0, 1000, true}, {1001, 1000, false}, {1000, 0, false}} {
		if got := allowed(tt.peer, tt.own); got != tt.want {
			t.Errorf("user %d asks a server of %d: %v", tt.peer, tt.own, got)
		}
	}
}
