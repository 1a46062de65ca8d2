package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdpinput "github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
)

// A visitor is a person with a browser: real Chromium without a window, which
// notes what the page complains about and what it loads.
type visitor struct {
	t    *testing.T
	base string // everything is loaded from there
	ctx  context.Context
	dir  string // files to send
	got  string // files that were downloaded

	mu       sync.Mutex
	trouble  []string
	requests []string
}

// newVisitor starts a browser for a service at an address.
func newVisitor(t *testing.T, base string) *visitor {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is started")
	}
	program := peer.NeedFile(t, "chromium", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
	v := &visitor{t: t, base: base, dir: t.TempDir(), got: t.TempDir()}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1100, 1000),
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("ignore-certificate-errors", true)) // the tests make their own
	alloc, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) // waits until the browser has ended
		cancel()
	})
	v.ctx = ctx
	v.must(chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	v.must(chromedp.Listen(ctx, v.event))
	call(v, cdplog.Enable, cdp.Empty{})
	call(v, network.Enable, network.EnableParams{})
	_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: v.got,
	})
	v.must(err)
	return v
}

// event notes complaints, dialogs and requests.
func (v *visitor) event(ev any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := ev.(type) {
	case *cdplog.EventEntryAdded:
		v.trouble = append(v.trouble, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		v.trouble = append(v.trouble, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		v.trouble = append(v.trouble, "console."+e.Type.String())
	case *cdppage.EventJavascriptDialogOpening:
		v.trouble = append(v.trouble, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		v.requests = append(v.requests, e.Request.URL)
	}
}

func (v *visitor) must(err error) {
	v.t.Helper()
	if err != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.t.Fatalf("%v; the page complains: %q", err, v.trouble)
	}
}

// run takes steps, for at most half a minute each.
func (v *visitor) run(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	for _, s := range steps {
		value(v, s)
	}
}

// value takes one step that returns something.
func value[T any](v *visitor, step chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, 30*time.Second)
	defer cancel()
	out, err := chromedp.Run(ctx, step)
	v.must(err)
	return out
}

// call sends one command of the protocol.
func call[P, R any](v *visitor, c cdp.Command[P, R], params P) {
	v.t.Helper()
	_, err := chromedp.Call(v.ctx, c, params)
	v.must(err)
}

// file writes a file that will be sent.
func (v *visitor) file(name string, b []byte) string {
	v.t.Helper()
	path := filepath.Join(v.dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		v.t.Fatal(err)
	}
	return path
}

// text returns the visible text of an element.
func (v *visitor) text(selector string) string {
	v.t.Helper()
	return value(v, chromedp.Text(chromedp.CSS(selector)))
}

// eval returns the value of an expression, as a string.
func (v *visitor) eval(expression string) string {
	v.t.Helper()
	return value(v, chromedp.Evaluate[string]("String("+expression+")"))
}

// drop drops files on the page, as a person does with a mouse.
func (v *visitor) drop(paths ...string) {
	v.t.Helper()
	data := &cdpinput.DragData{Items: []*cdpinput.DragDataItem{}, Files: paths, DragOperationsMask: 1}
	for _, kind := range []cdpinput.DispatchDragEventType{
		cdpinput.DispatchDragEventTypeDragEnter, cdpinput.DispatchDragEventTypeDragOver, cdpinput.DispatchDragEventTypeDrop,
	} {
		call(v, cdpinput.DispatchDragEvent, cdpinput.DispatchDragEventParams{Type: kind, X: 550, Y: 320, Data: data})
	}
}

// verify sends the form and waits for the verdict.
func (v *visitor) verify() (status string) {
	v.t.Helper()
	v.run(chromedp.Click(chromedp.CSS("#submit")), chromedp.WaitVisible(chromedp.CSS("#verdict")))
	return value(v, chromedp.AttributeValue(chromedp.CSS("#result .banner"), "data-status")).Value
}

// shot keeps a picture of the whole page where $GOSKLYUCH_SCREENSHOTS names a
// folder, for a person to look at.
func (v *visitor) shot(name string) {
	v.t.Helper()
	dir := os.Getenv("GOSKLYUCH_SCREENSHOTS")
	if dir == "" {
		return
	}
	png := value(v, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// clean fails the test where the page complained or loaded something from
// elsewhere.
func (v *visitor) clean() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.trouble) > 0 {
		v.t.Errorf("the page complains: %q", v.trouble)
	}
	if len(v.requests) == 0 {
		v.t.Error("no request was seen")
	}
	for _, u := range v.requests {
		if !strings.HasPrefix(u, v.base+"/") && !strings.HasPrefix(u, "blob:"+v.base) && !strings.HasPrefix(u, "data:") {
			v.t.Errorf("the page loads %s", u)
		}
	}
}

// download clicks and waits for the file.
func (v *visitor) download(selector, name string) []byte {
	v.t.Helper()
	v.run(chromedp.Click(chromedp.CSS(selector)))
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(v.got, name)); err == nil && len(b) > 0 {
			return b
		}
	}
	have, _ := os.ReadDir(v.got)
	v.t.Fatalf("%s was not downloaded; there is %v", name, have)
	return nil
}

// TestPage: both languages, dropped files, the verdict, the protocols.
func TestPage(t *testing.T) {
	d := newDesk(t, nil)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,O=ООО «Ромашка»,T=Генеральный директор,SNILS=11223344595,INN=500100732259,C=RU"), d.chain.Sub)
	v := newVisitor(t, d.server.URL)
	doc, sig := v.file("Договор поставки № 17.txt", []byte(contract)), v.file("Договор поставки № 17.txt.sig", d.signed(t, leaf, contract, false))
	for _, tc := range []struct{ name, path, lang, title, valid, signer, save string }{
		{"ru", "/", "ru", "Проверка электронной подписи", "Подпись действительна", "Подписал", "Скачать протокол"},
		{"en", "/en", "en", "Verification of an electronic signature", "The signature is valid", "Signed by", "Download the protocol"},
	} {
		v.run(chromedp.Navigate(d.server.URL+tc.path), chromedp.WaitReady(chromedp.CSS("html.scripted")))
		if got := v.eval("document.documentElement.lang"); got != tc.lang {
			t.Errorf("language %s", got)
		}
		if got := v.text("h1"); got != tc.title {
			t.Errorf("title %q", got)
		}
		v.shot(tc.name + "-1-empty")
		v.drop(sig, doc) // in the wrong order: the page tells them apart
		v.run(chromedp.WaitReady(chromedp.CSS("#swap:not([hidden])")))
		if got := v.text("#signature-name"); !strings.HasPrefix(got, "Договор поставки № 17.txt.sig") {
			t.Errorf("signature %q", got)
		}
		v.shot(tc.name + "-2-chosen")
		if status := v.verify(); status != "valid" {
			t.Fatalf("status %s: %s", status, v.text("#result"))
		}
		v.shot(tc.name + "-3-valid")
		all := v.text("#result")
		for _, want := range []string{tc.valid, tc.signer, tc.save, "Иванов Иван Иванович", "ООО «Ромашка»", "Генеральный директор", "11223344595", "500100732259", "Договор поставки № 17.txt"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in\n%s", tc.name, want, all)
			}
		}
		if strings.Contains(all, "undefined") {
			t.Errorf("a text is missing:\n%s", all)
		}
		if got := v.eval("document.activeElement.id"); got != "verdict" {
			t.Errorf("the focus is on %q, not on the verdict", got)
		}
		v.run(chromedp.Click(chromedp.CSS(".checks summary")))
		v.shot(tc.name + "-4-checks")
	}
	base := "Договор поставки _ 17.txt.sig.protocol"
	if pdf := v.download("#save-pdf", base+".pdf"); !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Errorf("%.20q", pdf)
	}
	if html := v.download("#save-html", base+".html"); !strings.Contains(string(html), "Иванов Иван Иванович") {
		t.Errorf("%.200q", html)
	}
	if json := v.download("#save-json", base+".json"); !strings.Contains(string(json), `"TOTAL-PASSED"`) {
		t.Errorf("%.200q", json)
	}
	v.clean()
}

// TestPageVerdicts: other answers than valid, chosen with the file inputs.
func TestPageVerdicts(t *testing.T) {
	d := newDesk(t, nil)
	v := newVisitor(t, d.server.URL)
	doc, sig := v.file("doc.txt", []byte(contract)), v.file("doc.sig", d.signed(t, d.chain.Leaf, contract, false))
	for _, tc := range []struct{ name, doc, sig, status, says string }{
		{"invalid", v.file("changed.txt", []byte("x")), sig, "invalid", "Подпись недействительна"},
		{"revoked", "", v.file("revoked.p7s", d.signed(t, d.revoked, contract, true)), "revoked", "Подпись отозвана"},
		{"indeterminate", "", sig, "indeterminate", "Не удалось проверить"},
		{"attached", "", v.file("inside.p7s", d.signed(t, d.chain.Leaf, contract, true)), "valid", "внутри файла подписи"},
	} {
		v.run(chromedp.Navigate(d.server.URL+"/"), chromedp.WaitReady(chromedp.CSS("html.scripted")),
			chromedp.SetUploadFiles(chromedp.CSS("#signature"), []string{tc.sig}))
		if tc.doc != "" {
			v.run(chromedp.SetUploadFiles(chromedp.CSS("#document"), []string{tc.doc}))
		}
		if status := v.verify(); status != tc.status {
			t.Errorf("%s: %s", tc.name, status)
		}
		v.shot("verdict-" + tc.name)
		if got := v.text("#result"); !strings.Contains(got, tc.says) {
			t.Errorf("%s: %s", tc.name, got)
		}
	}
	// A file that is no signature: a sentence, and the form is there again.
	v.run(chromedp.Navigate(d.server.URL+"/"), chromedp.SetUploadFiles(chromedp.CSS("#signature"), []string{doc}),
		chromedp.Click(chromedp.CSS("#submit")), chromedp.WaitVisible(chromedp.CSS("#error")))
	if got := v.text("#error"); !strings.Contains(got, "не читается как подпись CMS") {
		t.Errorf("error %q", got)
	}
	v.shot("verdict-unreadable")
	if got := v.eval("document.getElementById('submit').disabled"); got != "false" {
		t.Error("the form is locked")
	}
	v.mu.Lock() // the browser itself notes an answer with status 422
	v.trouble = withoutStatus(v.trouble)
	v.mu.Unlock()
	v.clean()
}

func withoutStatus(list []string) []string {
	var out []string
	for _, s := range list {
		if !strings.Contains(s, "status of 422") {
			out = append(out, s)
		}
	}
	return out
}

// TestPageHostile: what strangers write into certificates and file names is
// text.
func TestPageHostile(t *testing.T) {
	d := newDesk(t, nil)
	mallory := testpki.Issue(t, testpki.Leaf(t, `CN=\<img src=x onerror=alert(1)\>,O=\<script\>alert(2)\</script\>,T=\"\>\<svg onload=alert(3)\>,C=RU`), d.chain.Sub)
	v := newVisitor(t, d.server.URL)
	sig := v.file(`<img src=x onerror=alert(4)>.p7s`, d.signed(t, mallory, contract, false))
	doc := v.file("\u202etxt.<b>exe", []byte(contract))
	v.run(chromedp.Navigate(d.server.URL+"/"), chromedp.WaitReady(chromedp.CSS("html.scripted")))
	v.drop(doc, sig)
	v.run(chromedp.WaitReady(chromedp.CSS("#swap:not([hidden])")))
	if status := v.verify(); status != "valid" {
		t.Errorf("status %s", status)
	}
	v.shot("hostile")
	all := v.text("#result")
	for _, want := range []string{"<img src=x onerror=alert(1)>", "<script>alert(2)</script>", "<img src=x onerror=alert(4)>.p7s", "\ufffdtxt.<b>exe"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if n := v.eval(`document.querySelectorAll("#result img, #result script, #result svg, #result b, .file img").length`); n != "0" {
		t.Errorf("%s elements were made of names", n)
	}
	v.clean()
}

// TestPageWithoutScript: the form is sent as forms are, and the answer is the
// HTML protocol under its own policy.
func TestPageWithoutScript(t *testing.T) {
	d := newDesk(t, nil)
	v := newVisitor(t, d.server.URL)
	doc, sig := v.file("doc.txt", []byte(contract)), v.file("doc.sig", d.signed(t, d.chain.Leaf, contract, false))
	call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	v.run(chromedp.Navigate(d.server.URL + "/en"))
	v.shot("noscript-form")
	v.run(chromedp.SetUploadFiles(chromedp.CSS("#signature"), []string{sig}), chromedp.SetUploadFiles(chromedp.CSS("#document"), []string{doc}),
		chromedp.Click(chromedp.CSS("#submit")), chromedp.WaitNotPresent(chromedp.CSS("#form")), chromedp.WaitReady(chromedp.CSS("body")))
	v.shot("noscript-report")
	html := value(v, chromedp.OuterHTML(chromedp.CSS("html")))
	if !strings.Contains(html, "The signature is valid") && !strings.Contains(strings.ToLower(html), "signature is valid") {
		t.Errorf("%.2000s", html)
	}
	v.clean()
}
