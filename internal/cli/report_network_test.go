package cli

import "testing"

// What the network did not bring reaches a person in one language.
func TestNetworkDetail(t *testing.T) {
	tests := []struct{ detail, ru, en string }{
		{
			"CN=A: OCSP: fetch: http://10.0.0.1/ocsp: refused: the address is not public; CRL: fetch: the certificate names no address of a revocation list",
			"CN=A: OCSP http://10.0.0.1/ocsp: адрес внутренней сети (разрешить: --allow-private); CRL: в сертификате нет адреса",
			"CN=A: OCSP http://10.0.0.1/ocsp: an address of the internal network (to allow it: --allow-private); CRL: the certificate names no address",
		},
		{
			"TRY_LATER: CN=TSA: CRL: fetch: http://a.example:80/x: dial tcp: lookup a.example: no such host",
			"TRY_LATER: CN=TSA: CRL http://a.example:80/x: такого сервера нет",
			"TRY_LATER: CN=TSA: CRL http://a.example:80/x: there is no such server",
		},
		{"OCSP: fetch: http://a/: something; odd", "OCSP http://a/: не получено", "OCSP http://a/: not received"},
		{"CN=A: not revoked (crl of 2026-01-01T00:00:00Z)", "", ""},
	}
	for _, test := range tests {
		for lang, want := range map[string]string{"ru": test.ru, "en": test.en} {
			got, ok := (&app{lang: lang}).networkDetail(test.detail)
			if got != want || ok != (want != "") {
				t.Errorf("%s: %q\n got %q\nwant %q", lang, test.detail, got, want)
			}
		}
	}
}
