package fetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
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
		{"[64:ff9b::7f00:1]:80", false},
		{"[64:ff9b::a00:1]:80", false},
		{"[64:ff9b::808:808]:80", true}, // a public server, from a network without IPv4
		{"[64:ff9b:1::808:808]:80", false},
		{"[::7f00:1]:80", false},
		{"[::ffff:0:7f00:1]:80", false},
		{"[fd00:ec2::254]:80", false},
		{"168.63.129.16:80", false},
		{"192.88.99.1:80", false},
		{"[fec0::1]:80", false},
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

// TestRebinding: a name that is public when it is looked up first and private
// when it is dialled reaches nothing: what is judged is the number that is
// connected to.
func TestRebinding(t *testing.T) {
	reached := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dns := newNameServer(t, [4]byte{127, 0, 0, 1})
	f := New(Options{Timeout: 2 * time.Second, resolver: dns})
	_, err = f.GetCRL(t.Context(), "http://crl.example.ru:"+port+"/a.crl")
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindAddress || reached {
		t.Errorf("%v, reached: %v", err, reached)
	}
	// The same name with the guard lifted is reached, so the name server works.
	f = New(Options{Timeout: 2 * time.Second, resolver: dns, AllowPrivate: true})
	if _, err := f.GetCRL(t.Context(), "http://crl.example.ru:"+port+"/a.crl"); err == nil || !reached {
		t.Errorf("%v, reached: %v", err, reached)
	}
}

// newNameServer answers every question for an IPv4 address with one number.
func newNameServer(t *testing.T, number [4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
					Body:   &dnsmessage.AResource{A: number},
				}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestTypedHost: a typed URL allows its host at its port, in the form that is
// dialled.
func TestTypedHost(t *testing.T) {
	d := newDialer(Options{TypedURLs: []string{"http://TSA.example/tsp", "https://tsa.example:8443", ":", "http://[fd00::1]/", "http://Служба.рф/tsp"}})
	for _, want := range []string{"tsa.example:80", "tsa.example:8443", "[fd00::1]:80", "xn--80abot3an.xn--p1ai:80"} {
		if !d.typed[want] {
			t.Errorf("%s is not allowed: %v", want, d.typed)
		}
	}
}
