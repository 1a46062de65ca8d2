package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptHTTP is the command http METHOD URL STATUS [cafile=FILE] [PART=FILE…]:
// one request, with the files as a form where there are any; it waits until
// the service listens. The body of the answer becomes the standard output.
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: http METHOD URL STATUS [cafile=FILE] [PART=FILE…]")
	}
	client := &http.Client{Timeout: 30 * time.Second}
	var body bytes.Buffer
	contentType := ""
	form := multipart.NewWriter(&body)
	for _, arg := range args[3:] {
		name, file, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%s: not NAME=FILE", arg)
		}
		if name == "cafile" {
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM([]byte(ts.ReadFile(file)))
			client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
			continue
		}
		w, err := form.CreateFormFile(name, file)
		ts.Check(err)
		_, err = io.WriteString(w, ts.ReadFile(file))
		ts.Check(err)
		contentType = form.FormDataContentType()
	}
	ts.Check(form.Close())
	if contentType == "" {
		body.Reset()
	}
	code, answer := requestUntilThere(ts, client, args[0], args[1], contentType, body.Bytes())
	_, err := ts.Stdout().Write(answer)
	ts.Check(err)
	if strconv.Itoa(code) != args[2] {
		ts.Fatalf("HTTP %d, not %s: %s", code, args[2], answer)
	}
}

// requestUntilThere sends a request until somebody answers.
func requestUntilThere(ts *testscript.TestScript, client *http.Client, method, url, contentType string, body []byte) (int, []byte) {
	var last error
	for range 200 {
		req, err := http.NewRequest(method, url, bytes.NewReader(body))
		ts.Check(err)
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		resp, err := client.Do(req)
		if last = err; err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		ts.Check(err)
		return resp.StatusCode, answer
	}
	ts.Fatalf("%s: %v", url, last)
	return 0, nil
}
