package fetch

import (
	"errors"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	cases := []struct {
		address string
		ok      bool
	}{
		{"93.184.216.34:80", true},
		{"[2a02:6b8::feed:ff]:443", true},
		{"8.8.8.8:8080", true},
		{"127.0.0.1:80", false},
		{"127.255.255.254:80", false},
		{"[::1]:80", false},
		{"[::ffff:127.0.0.1]:80", false},
		{"10.0.0.1:80", false},
		{"172.16.5.5:80", false},
		{"192.168.1.1:80", false},
		{"[fd00::1]:80", false},
		{"169.254.169.254:80", false},
		{"[::ffff:169.254.169.254]:80", false},
		{"[fe80::1%eth0]:80", false},
		{"[64:ff9b::a9fe:a9fe]:80", false},
		{"[2002:7f00:1::]:80", false},
		{"[2001:0:1::]:80", false},
		{"100.100.100.200:80", false},
		{"0.0.0.0:80", false},
		{"0.1.2.3:80", false},
		{"[::]:80", false},
		{"255.255.255.255:80", false},
		{"224.0.0.1:80", false},
		{"[ff02::1]:80", false},
		{"240.0.0.1:80", false},
		{"192.0.2.1:80", false},
		{"198.18.0.1:80", false},
		{"example.com:80", false},
		{"", false},
	}
	for _, c := range cases {
		err := guard("tcp", c.address, nil)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v, want allowed = %v", c.address, err, c.ok)
		}
		if err != nil && !errors.Is(err, errGuard) {
			t.Errorf("%s: untyped error %v", c.address, err)
		}
	}
	if public(netip.Addr{}) {
		t.Error("the zero address is public")
	}
}
