package cli

import (
	"regexp"
	"strings"
)

// fetchedFrom is how a detail about revocation tells what the network did not
// bring: "OCSP: fetch: URL: why; CRL: fetch: URL: why".
var fetchedFrom = regexp.MustCompile(`(OCSP|CRL): fetch: (?:(https?://[^ ]*|[a-z]+://[^ ]*): )?(.*)`)

// fetchWords are the words of fetch for a person. The first that occurs counts.
var fetchWords = []struct {
	said string
	m    text
}{
	{"address is not public", text{"адрес внутренней сети (разрешить: --allow-private)", "an address of the internal network (to allow it: --allow-private)"}},
	{"connections are forbidden", text{"обращаться в сеть запрещено (--offline)", "connections are forbidden (--offline)"}},
	{"names no address", text{"в сертификате нет адреса", "the certificate names no address"}},
	{"LDAP is not supported", text{"LDAP не поддерживается", "LDAP is not supported"}},
	{"connection refused", text{"сервер недоступен", "the server cannot be reached"}},
	{"no such host", text{"такого сервера нет", "there is no such server"}},
	{"timeout", text{"сервер не ответил вовремя", "the server gave no answer in time"}},
	{"deadline exceeded", text{"сервер не ответил вовремя", "the server gave no answer in time"}},
	{"HTTP status", text{"сервер ответил ошибкой HTTP", "the server answered with an HTTP error"}},
}

// networkDetail says for a person what the network did not bring; false if the
// detail is about something else.
func (a *app) networkDetail(detail string) (string, bool) {
	i := strings.Index(detail, "OCSP: fetch: ")
	if j := strings.Index(detail, "CRL: fetch: "); i < 0 || j >= 0 && j < i {
		i = j
	}
	if i < 0 {
		return "", false
	}
	var said []string
	for _, part := range strings.Split(detail[i:], "; ") {
		m := fetchedFrom.FindStringSubmatch(part)
		if m == nil {
			continue // more words of the part before
		}
		from, why := m[1], a.t(text{"не получено", "not received"})
		if m[2] != "" {
			from += " " + m[2]
		}
		for _, w := range fetchWords {
			if strings.Contains(m[3], w.said) {
				why = a.t(w.m)
				break
			}
		}
		said = append(said, from+": "+why)
	}
	return detail[:i] + strings.Join(said, "; "), len(said) > 0
}
