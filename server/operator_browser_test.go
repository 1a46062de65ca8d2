package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// pageLooks are what a page must hold besides its contents, in the words of a
// script that returns what is wrong.
const pageLooks = `(() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest(".scroll, .skip, .hidden, thead, pre"));
    wrong.push("wider than the window: " + wide.slice(0, 3).map(e => e.tagName + "." + e.className).join(" "));
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  if (!document.title || !document.querySelector("main")) wrong.push("no title or no main");
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!e.labels.length && !e.getAttribute("aria-label")) wrong.push("no label: " + e.name);
  }
  for (const e of document.querySelectorAll("a, button")) {
    if (!(e.textContent.trim() || e.getAttribute("aria-label"))) wrong.push("a link without a name: " + e.outerHTML.slice(0, 80));
  }
  for (const e of document.querySelectorAll("img:not([alt]), svg:not([aria-hidden])")) wrong.push("no text for a picture");
  // What strangers wrote makes no element and runs nothing.
  for (const e of document.querySelectorAll("script, iframe, main img, [onclick], [onerror]")) wrong.push("made of a name: " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("table")) if (!e.querySelector("th[scope]")) wrong.push("a table without headings");
  const rgb = s => (s.match(/[\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = c.map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement;
    if (!n.data.trim() || !e.checkVisibility() || e.closest(".skip, .hidden, svg title, option")) continue;
    const s = getComputedStyle(e), ink = e.closest("svg") ? rgb(s.fill) : rgb(s.color), under = ground(e);
    const a = light(ink.slice(0, 3)), b = light(under), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const large = parseFloat(s.fontSize) >= 24 || parseFloat(s.fontSize) >= 18.6 && s.fontWeight >= 700;
    const what = e.tagName + "." + (e.className.baseVal ?? e.className) + " " + ink + " on " + under + " " + ratio.toFixed(2);
    if (ratio < (large ? 3 : 4.5) && !seen.has(what)) { seen.add(what); wrong.push("contrast: " + what); }
  }
  return wrong.join("; ");
})()`

// window sets the size of the window and the scheme of colours.
func (v *visitor) window(width int64, scheme string) {
	v.t.Helper()
	call(v, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500})
	call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// looks fails the test where the page of this moment is not as it should be.
func (v *visitor) looks(what string) {
	v.t.Helper()
	if wrong := v.eval(pageLooks); wrong != "" {
		v.t.Errorf("%s: %s", what, wrong)
	}
}

// signFile downloads a text through a link of the page, signs it as a person
// does elsewhere, and sends the signature.
func (v *visitor) signFile(p caPerson, name string) {
	v.t.Helper()
	text := v.download("#download", name)
	if err := os.Remove(filepath.Join(v.got, name)); err != nil {
		v.t.Fatal(err)
	}
	v.run(chromedp.SetUploadFiles(chromedp.CSS("#signature"), []string{v.file(name+".sig", p.sign(v.t, text))}), chromedp.Click(chromedp.CSS("#submit")))
}

// open goes to a page and waits until it is there.
func (v *visitor) open(path string) {
	v.t.Helper()
	v.run(chromedp.Navigate(v.base+path), chromedp.WaitReady(chromedp.CSS("footer")))
}

// TestDeskInBrowser: a person logs in with a signed challenge, walks through all
// pages in both languages, in a wide and a narrow window, by day and by night,
// and approves a request.
func TestDeskInBrowser(t *testing.T) {
	d, waiting := busyDesk(t)
	v := newVisitor(t, d.url)
	v.window(1280, "light")
	v.open("/")
	v.looks("login")
	v.shot("desk-login-name")
	v.run(chromedp.SendKeys(chromedp.CSS("#name"), "boris"), chromedp.Click(chromedp.CSS("#submit")), chromedp.WaitReady(chromedp.CSS("#signature")))
	v.looks("challenge")
	v.shot("desk-login-challenge")
	v.signFile(d.people["boris"], "challenge.txt")
	v.run(chromedp.WaitReady(chromedp.CSS(".tiles")))
	pages := allPages(d, t, waiting)
	pages = append(pages, "/desk/requests/"+waiting.ID+"/decide?decision=reject", "/desk/journal/main/1?personal=1")
	for n, path := range pages {
		for _, look := range []struct {
			lang, scheme string
			width        int64
		}{{"ru", "light", 1280}, {"en", "dark", 390}, {"ru", "light", 390}} {
			v.window(look.width, look.scheme)
			join := "?"
			if strings.Contains(path, "?") {
				join = "&"
			}
			v.open(path + join + "lang=" + look.lang)
			what := fmt.Sprintf("%s %s %d %s", path, look.lang, look.width, look.scheme)
			if got := v.eval("document.documentElement.lang"); got != look.lang {
				t.Errorf("%s: language %s", what, got)
			}
			v.looks(what)
			v.shot(fmt.Sprintf("desk-%02d-%s-%d-%s", n, look.lang, look.width, look.scheme))
		}
	}
	v.window(1280, "light")
	v.open("/desk/requests?lang=ru")
	v.run(chromedp.Click(chromedp.CSS(`a[href="/desk/requests/`+waiting.ID+`"]`)), chromedp.WaitReady(chromedp.CSS("#actions")),
		chromedp.Click(chromedp.CSS("a.approve")), chromedp.WaitReady(chromedp.CSS("#statement")))
	v.signFile(d.people["boris"], "approve-"+waiting.ID[:8]+".txt")
	v.run(chromedp.WaitReady(chromedp.CSS(".good")))
	v.shot("desk-approved")
	if got := v.text(".good"); !strings.Contains(got, "Одобрение принято") {
		t.Error(got)
	}
	if e := must[ca.RequestEntry](t)(d.Request(t.Context(), waiting.ID)); e.State != ca.Approved {
		t.Errorf("the request is %s", e.State)
	}
	// The session is out of reach for scripts, and ends.
	if got := v.eval("document.cookie"); got != "" {
		t.Errorf("a script sees the cookie %q", got)
	}
	v.run(chromedp.Click(chromedp.CSS(`form[action="/desk/logout"] button`)), chromedp.WaitReady(chromedp.CSS("#name")))
	v.open("/desk/status")
	if got := v.eval("location.pathname"); got != "/desk/login" {
		t.Errorf("after logging out: %s", got)
	}
	v.clean()
}
