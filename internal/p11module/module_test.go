package p11module

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// Every parameter set makes keys whose signatures the core verifies, over a
// digest and with the digest inside, in one part and in several.
func TestGenerateSignVerify(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	for i, tt := range []struct {
		curve oid.OID
		gen   uint64
	}{
		{oid.CryptoProA, mechGOSTR3410KeyPairGen},
		{oid.CryptoProB, mechGOSTR3410KeyPairGen},
		{oid.CryptoProC, mechGOSTR3410KeyPairGen},
		{oid.CryptoProXchA, mechGOSTR3410KeyPairGen},
		{oid.CryptoProXchB, mechGOSTR3410KeyPairGen},
		{oid.TC26_256A, mechGOSTR3410KeyPairGen},
		{oid.TC26_256B, mechGOSTR3410KeyPairGen},
		{oid.TC26_256C, mechGOSTR3410KeyPairGen},
		{oid.TC26_256D, mechGOSTR3410KeyPairGen},
		{oid.TC26_512A, mechGOSTR3410KeyPairGen512},
		{oid.TC26_512B, mechGOSTR3410KeyPairGen512},
		{oid.TC26_512C, mechGOSTR3410KeyPairGen512},
	} {
		pub, priv := generate(t, m, h, tt.gen, tt.curve, string(rune('a'+i)))
		key := publicOf(t, m, h, pub)
		message := []byte("message to sign")
		raw, with := uint64(mechGOSTR3410), uint64(mechGOSTR3410WithStreebog256)
		sum := streebog.Sum256(message)
		digest := sum[:]
		if tt.gen == mechGOSTR3410KeyPairGen512 {
			raw, with = mechGOSTR3410x512, mechGOSTR3410WithStreebog512
			sum := streebog.Sum512(message)
			digest = sum[:]
		}
		for name, sig := range map[string][]byte{
			"raw": sign(t, m, h, raw, priv, digest), "with digest": sign(t, m, h, with, priv, message),
			"in parts":     signParts(t, m, h, with, priv, message[:3], nil, message[3:]),
			"raw in parts": signParts(t, m, h, raw, priv, digest[:5], digest[5:]),
		} {
			if !gost3410.Verify(key, digest, sig) {
				t.Errorf("%s, %s: the core does not verify", tt.curve.Name(), name)
			}
			must(t, m.VerifyInit(h, Mechanism{Type: with}, pub))
			must(t, m.Verify(h, message, sig))
			must(t, m.VerifyInit(h, Mechanism{Type: raw}, pub))
			must(t, m.VerifyUpdate(h, digest[:7]))
			must(t, m.VerifyUpdate(h, digest[7:]))
			must(t, m.VerifyFinal(h, sig))
			bad := bytes.Clone(sig)
			bad[5] ^= 1
			must(t, m.VerifyInit(h, Mechanism{Type: raw}, pub))
			want(t, "changed signature", m.Verify(h, digest, bad), rvSignatureInvalid)
		}
	}
	if n := len(find(t, m, h, at(attrClass, classPrivateKey))); n != 12 {
		t.Errorf("%d private keys are found, want 12", n)
	}
}

func signParts(t testing.TB, m *Module, h, mech, key uint64, parts ...[]byte) []byte {
	t.Helper()
	must(t, m.SignInit(h, Mechanism{Type: mech}, key))
	for _, p := range parts {
		must(t, m.SignUpdate(h, p))
	}
	out := make([]byte, 200)
	_, rv := m.SignFinal(h, Output{Buf: out[:3]})
	want(t, "small buffer", rv, RVBufferTooSmall)
	n, rv := m.SignFinal(h, Output{Buf: out})
	must(t, rv)
	return out[:n]
}

// What is on the token is there after C_Finalize, with another PIN after
// C_SetPIN, and private objects show only to the user.
func TestTokenSurvives(t *testing.T) {
	m, dir := newModule(t, nil)
	h := newToken(t, m)
	pub, _ := generate(t, m, h, mechGOSTR3410KeyPairGen, oid.TC26_256A, "k")
	key := publicOf(t, m, h, pub)
	data, rv := m.CreateObject(h, []Attribute{
		at(attrClass, classData), at(attrToken, true), at(attrPrivate, true), at(attrLabel, "blob"), at(attrValue, "very secret"),
	})
	must(t, rv)
	must(t, m.SetAttributeValue(h, data, []Attribute{at(attrLabel, "renamed")}))
	must(t, m.SetPIN(h, []byte(userPIN), []byte("new-PIN-of-user")))
	must(t, m.Finalize())
	must(t, m.Initialize())

	h = open(t, m, 0)
	if n := len(find(t, m, h)); n != 1 {
		t.Errorf("%d objects are found without login, want the public key", n)
	}
	want(t, "old PIN", m.Login(h, userUser, []byte(userPIN)), rvPINIncorrect)
	must(t, m.Login(h, userUser, []byte("new-PIN-of-user")))
	found := find(t, m, h, at(attrLabel, "renamed"))
	if len(found) != 1 || string(attribute(t, m, h, found[0], attrValue)) != "very secret" {
		t.Fatal("the private data object was lost")
	}
	priv := find(t, m, h, at(attrClass, classPrivateKey))
	sum := streebog.Sum256([]byte("m"))
	if len(priv) != 1 || !gost3410.Verify(key, sum[:], sign(t, m, h, mechGOSTR3410, priv[0], sum[:])) {
		t.Fatal("the key was lost")
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("very secret")) {
			t.Errorf("%s holds a private value in plain form", path)
		}
		if st, serr := d.Info(); serr == nil && st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, st.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t, m.DestroyObject(h, priv[0]))
	want(t, "destroyed key", m.SignInit(h, Mechanism{Type: mechGOSTR3410}, priv[0]), rvKeyHandleInvalid)
	must(t, m.CloseSession(h))
	must(t, m.InitToken(0, []byte(soPIN), "again"))
	h = open(t, m, 0)
	if n := len(find(t, m, h)); n != 0 {
		t.Errorf("%d objects survive C_InitToken", n)
	}
}

// Tries are counted on disk; the flags warn; the security officer unlocks, and
// no key is lost.
func TestPINTries(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	generate(t, m, h, mechGOSTR3410KeyPairGen, oid.TC26_256A, "k")
	must(t, m.Logout(h))
	flags := func() uint64 {
		info, rv := m.GetTokenInfo(0)
		must(t, rv)
		return info.Flags & (tokenUserPINLow | tokenUserPINFinal | tokenUserPINLocked)
	}
	for i := 1; i <= maxTries; i++ {
		want(t, "wrong PIN", m.Login(h, userUser, []byte(badPIN)), rvPINIncorrect)
		expected := uint64(0)
		switch left := maxTries - i; {
		case left == 0:
			expected = tokenUserPINLocked
		case left == 1:
			expected = tokenUserPINLow | tokenUserPINFinal
		case left <= lowTries:
			expected = tokenUserPINLow
		}
		if got := flags(); got != expected {
			t.Errorf("after %d wrong PINs the flags are %#x, want %#x", i, got, expected)
		}
		if i == 1 { // a right one resets the count
			must(t, m.Login(h, userUser, []byte(userPIN)))
			must(t, m.Logout(h))
			want(t, "wrong PIN", m.Login(h, userUser, []byte(badPIN)), rvPINIncorrect)
		}
	}
	want(t, "right PIN when locked", m.Login(h, userUser, []byte(userPIN)), rvPINLocked)
	want(t, "C_SetPIN when locked", m.SetPIN(h, []byte(userPIN), []byte("another-PIN")), rvPINLocked)
	must(t, m.Login(h, userSO, []byte(soPIN)))
	must(t, m.InitPIN(h, []byte("another-PIN")))
	must(t, m.Logout(h))
	must(t, m.Login(h, userUser, []byte("another-PIN")))
	if n := len(find(t, m, h, at(attrClass, classPrivateKey))); n != 1 {
		t.Errorf("%d keys after the PIN was unblocked", n)
	}
}

// A container made by the program is a token of its own.
func TestContainers(t *testing.T) {
	m, dir := newModule(t, nil)
	newContainer(t, dir, "Иванов", "gost2012-256")
	newContainer(t, dir, "second", "gost2012-512")
	newContainer(t, dir, "rsa", "ecdsa-p256")
	if err := os.WriteFile(filepath.Join(dir, "broken.gkc"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	n, rv := m.SlotList(true, true, nil)
	must(t, rv)
	if n != 3 {
		t.Fatalf("%d slots, want the keyring and two containers", n)
	}
	slots := make([]uint64, n)
	_, rv = m.SlotList(true, false, slots)
	must(t, rv)
	for _, slot := range slots[1:] {
		info, rv := m.GetTokenInfo(slot)
		must(t, rv)
		if len(info.Serial) != 16 || info.Flags&tokenInitialized == 0 {
			t.Errorf("%+v", info)
		}
		mech := uint64(mechGOSTR3410)
		if info.Label == "second" {
			mech = mechGOSTR3410x512
		}
		h := open(t, m, slot)
		want(t, "wrong password", m.Login(h, userUser, []byte(badPIN)), rvPINIncorrect)
		want(t, "officer", m.Login(h, userSO, []byte(goodPW)), rvUserTypeInvalid)
		must(t, m.Login(h, userUser, []byte(goodPW)))
		priv, pub := find(t, m, h, at(attrClass, classPrivateKey)), find(t, m, h, at(attrClass, classPublicKey))
		cert := find(t, m, h, at(attrClass, classCertificate))
		if len(priv) != 1 || len(pub) != 1 || len(cert) != 1 {
			t.Fatalf("objects: %v %v %v", priv, pub, cert)
		}
		key := publicOf(t, m, h, pub[0])
		digest := make([]byte, key.Curve().Size())
		if !gost3410.Verify(key, digest, sign(t, m, h, mech, priv[0], digest)) {
			t.Error("the signature does not verify")
		}
		if id := attribute(t, m, h, cert[0], attrID); !bytes.Equal(id, attribute(t, m, h, priv[0], attrID)) {
			t.Error("the certificate has another CKA_ID than the key")
		}
		want(t, "weak password", m.SetPIN(h, []byte(goodPW), []byte("weakweakweak")), rvPINInvalid)
		want(t, "short password", m.SetPIN(h, []byte(goodPW), []byte("Aa1")), rvPINLenRange)
		_, rv = m.CreateObject(h, []Attribute{at(attrClass, classData), at(attrToken, true)})
		want(t, "data in a container", rv, rvDeviceMemory)
		must(t, m.DestroyObject(h, cert[0]))
		if n := len(find(t, m, h, at(attrClass, classCertificate))); n != 0 {
			t.Error("the certificate is still there")
		}
		want(t, "C_InitToken", m.InitToken(slot, []byte(soPIN), "x"), rvSessionExists)
		want(t, "copying into a container", copyRV(m, h, pub[0]), rvActionProhibited)
	}
	// The file goes: the token is gone, its sessions with it.
	h := open(t, m, slots[1])
	if err := os.Remove(filepath.Join(dir, "second.gkc")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "Иванов.gkc")); err != nil {
		t.Fatal(err)
	}
	want(t, "before the slots are listed", m.FindObjectsInit(h, nil), rvDeviceRemoved)
	_, rv = m.SlotList(false, true, nil)
	must(t, rv)
	_, rv = m.GetSessionInfo(h)
	want(t, "session of a removed token", rv, rvSessionHandleInvalid)
	_, rv = m.GetTokenInfo(slots[1])
	want(t, "removed token", rv, rvTokenNotPresent)
}

func copyRV(m *Module, h, obj uint64) RV {
	_, rv := m.CopyObject(h, obj, []Attribute{at(attrToken, true)})
	return rv
}

// Destroying the private key of a container deletes the file.
func TestContainerDelete(t *testing.T) {
	m, dir := newModule(t, nil)
	newContainer(t, dir, "k", "gost2012-256")
	_, rv := m.SlotList(true, true, nil)
	must(t, rv)
	h := open(t, m, 1)
	must(t, m.Login(h, userUser, []byte(goodPW)))
	must(t, m.SetPIN(h, []byte(goodPW), []byte(goodPW+"x")))
	must(t, m.DestroyObject(h, find(t, m, h, at(attrClass, classPrivateKey))[0]))
	if _, err := os.Stat(filepath.Join(dir, "k.gkc")); err == nil {
		t.Error("the container is still there")
	}
}

// A certificate for a container's key is installed into the container, where
// the program finds it; a foreign one is refused.
func TestContainerCertificate(t *testing.T) {
	m, dir := newModule(t, nil)
	newContainer(t, dir, "a", "gost2012-256")
	newContainer(t, dir, "b", "gost2012-256")
	store, err := soft.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, err := store.Show("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.InstallCertificate(t.Context(), "a", nil, nil); err != nil {
		t.Fatal(err)
	}
	_, rv := m.SlotList(true, true, nil)
	must(t, rv)
	template := []Attribute{
		at(attrClass, classCertificate), at(attrToken, true), at(attrCertificateType, 0), at(attrValue, a.Certificate.Raw),
	}
	_, rv = m.CreateObject(open(t, m, 2), template)
	want(t, "certificate of another key", rv, rvTemplateInconsistent)
	_, rv = m.CreateObject(open(t, m, 1), template)
	must(t, rv)
	if again, err := store.Show("a"); err != nil || again.Certificate == nil {
		t.Errorf("the container has no certificate: %v", err)
	}
}

func TestDir(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want string
	}{
		"own variable": {map[string]string{DirVariable: "/a", HomeVariable: "/b"}, "/a"},
		"home":         {map[string]string{HomeVariable: "/b", "XDG_DATA_HOME": "/c"}, "/b/keys"},
		"xdg":          {map[string]string{"XDG_DATA_HOME": "/c", "HOME": "/d"}, "/c/gosklyuch/keys"},
		"user":         {map[string]string{"XDG_DATA_HOME": "relative", "HOME": "/d"}, "/d/.local/share/gosklyuch/keys"},
	} {
		got, err := Dir(func(s string) string { return tt.env[s] })
		if err != nil || filepath.ToSlash(got) != tt.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Listing slots makes no folders.
func TestNothingIsMade(t *testing.T) {
	m, dir := newModule(t, nil)
	if _, rv := m.SlotList(true, true, nil); rv != RVOK {
		t.Fatal(rv)
	}
	if _, rv := m.GetTokenInfo(0); rv != RVOK {
		t.Fatal(rv)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made")
	}
}

// Changes that follow each other at once, of one size, are all seen: the clock of
// the file system may not advance between them.
func TestQuickChanges(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	pub, _ := generate(t, m, h, mechGOSTR3410KeyPairGen, oid.TC26_256A, "k")
	for i := range 30 {
		label := string(rune('a' + i%26))
		must(t, m.SetAttributeValue(h, pub, []Attribute{at(attrLabel, label)}))
		found := find(t, m, h, at(attrClass, classPublicKey))
		if len(found) != 1 || string(attribute(t, m, h, found[0], attrLabel)) != label {
			t.Fatalf("change %d is lost", i)
		}
	}
}

// Two modules over one folder, as two processes are, see each other's objects.
func TestTwoModules(t *testing.T) {
	a, dir := newModule(t, nil)
	b := New(Config{Iterations: 1000, Getenv: func(name string) string {
		return map[string]string{DirVariable: dir}[name]
	}})
	must(t, b.Initialize())
	t.Cleanup(func() { b.Finalize() })
	ha := newToken(t, a)
	hb := open(t, b, 0)
	must(t, b.Login(hb, userUser, []byte(userPIN)))
	_, priv := generate(t, a, ha, mechGOSTR3410KeyPairGen, oid.TC26_256A, "k")
	found := find(t, b, hb, at(attrClass, classPrivateKey))
	if len(found) != 1 {
		t.Fatalf("%d keys are seen by the other module", len(found))
	}
	sign(t, b, hb, mechGOSTR3410, found[0], make([]byte, 32))
	must(t, a.DestroyObject(ha, priv))
	if n := len(find(t, b, hb, at(attrClass, classPrivateKey))); n != 0 {
		t.Errorf("%d keys are seen after the other module destroyed it", n)
	}
}

// Eight goroutines work on one token, log in and out and open sessions; the
// race detector and the return values are the test.
func TestGoroutines(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	_, priv := generate(t, m, h, mechGOSTR3410KeyPairGen, oid.TC26_256A, "k")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			mine, rv := m.OpenSession(0, sessionSerial|sessionReadWrite)
			if rv != RVOK {
				t.Error(rv)
				return
			}
			for range 20 {
				if rv := m.SignInit(mine, Mechanism{Type: mechGOSTR3410WithStreebog256}, priv); rv != RVOK {
					t.Error("C_SignInit:", rv)
				}
				if _, rv := m.Sign(mine, []byte("m"), Output{Buf: make([]byte, 64)}); rv != RVOK {
					t.Error("C_Sign:", rv)
				}
				// The same session from all threads breaks the rules but nothing else.
				_ = m.DigestInit(h, Mechanism{Type: mechStreebog256})
				_ = m.DigestUpdate(h, []byte("part"))
				_, _ = m.DigestFinal(h, Output{Buf: make([]byte, 32)})
				_ = m.FindObjectsInit(mine, nil)
				_, _ = m.FindObjects(mine, make([]uint64, 5))
				_ = m.FindObjectsFinal(mine)
			}
			if rv := m.CloseSession(mine); rv != RVOK {
				t.Error(rv)
			}
		})
	}
	wg.Wait()
	for range 8 {
		wg.Go(func() {
			for range 5 {
				switch rv := m.Login(h, userUser, []byte(userPIN)); rv {
				case RVOK, rvUserAlreadyLoggedIn:
				default:
					t.Error("C_Login:", rv)
				}
				switch rv := m.Logout(h); rv {
				case RVOK, rvUserNotLoggedIn:
				default:
					t.Error("C_Logout:", rv)
				}
			}
		})
	}
	wg.Wait()
	info, rv := m.GetTokenInfo(0)
	must(t, rv)
	if info.Flags&(tokenUserPINLow|tokenUserPINLocked) != 0 {
		t.Error("tries were lost")
	}
}

func TestFaults(t *testing.T) {
	session := func(t *testing.T, fault string) (*Module, uint64, uint64) {
		m, _ := newModule(t, map[string]string{FaultVariable: fault})
		h := newToken(t, m)
		_, priv := generate(t, m, h, mechGOSTR3410KeyPairGen, oid.TC26_256A, "k")
		return m, h, priv
	}
	again := func(t *testing.T, m *Module) {
		t.Helper()
		h := open(t, m, 0)
		must(t, m.Login(h, userUser, []byte(userPIN)))
		sign(t, m, h, mechGOSTR3410, find(t, m, h, at(attrClass, classPrivateKey))[0], make([]byte, 32))
	}
	t.Run("removed", func(t *testing.T) {
		m, h, priv := session(t, "removed@C_Sign#1:150ms")
		must(t, m.SignInit(h, Mechanism{Type: mechGOSTR3410}, priv))
		_, rv := m.Sign(h, make([]byte, 32), Output{Buf: make([]byte, 64)})
		want(t, "C_Sign", rv, rvDeviceRemoved)
		_, rv = m.GetSessionInfo(h)
		want(t, "old session", rv, rvSessionHandleInvalid)
		_, rv = m.OpenSession(0, sessionSerial)
		want(t, "no token", rv, rvTokenNotPresent)
		for {
			n, rv := m.SlotList(true, true, nil)
			must(t, rv)
			if n == 1 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		again(t, m)
	})
	t.Run("session-lost", func(t *testing.T) {
		m, h, priv := session(t, "session-lost@C_SignInit#1")
		want(t, "C_SignInit", m.SignInit(h, Mechanism{Type: mechGOSTR3410}, priv), rvSessionHandleInvalid)
		again(t, m)
	})
	t.Run("device-error", func(t *testing.T) {
		m, h, priv := session(t, "device-error@C_SignInit#1")
		want(t, "C_SignInit", m.SignInit(h, Mechanism{Type: mechGOSTR3410}, priv), rvDeviceError)
		must(t, m.SignInit(h, Mechanism{Type: mechGOSTR3410}, priv))
	})
	t.Run("slow", func(t *testing.T) {
		m, h, _ := session(t, "slow@C_GetSessionInfo:80ms")
		start := time.Now()
		_, rv := m.GetSessionInfo(h)
		must(t, rv)
		if time.Since(start) < 80*time.Millisecond {
			t.Error("it was not slow")
		}
	})
	t.Run("panic", func(t *testing.T) {
		m, h, _ := session(t, "panic@C_GetSessionInfo")
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
			must(t, m.CloseSession(h)) // and no lock is held
		}()
		_, _ = m.GetSessionInfo(h)
	})
	t.Run("pin-locked", func(t *testing.T) {
		m, dir := newModule(t, nil)
		must(t, m.CloseSession(newToken(t, m)))
		m = New(Config{Iterations: 1000, Getenv: func(name string) string {
			return map[string]string{DirVariable: dir, FaultVariable: "pin-locked"}[name]
		}})
		must(t, m.Initialize())
		want(t, "C_Login", m.Login(open(t, m, 0), userUser, []byte(userPIN)), rvPINLocked)
		info, rv := m.GetTokenInfo(0)
		must(t, rv)
		if info.Flags&tokenUserPINLocked == 0 {
			t.Error("the flags do not say so")
		}
	})
	for _, bad := range []string{"typo", "removed#0", "removed#x", "slow:fast", "removed@Sign", "slow:-1s", "removed,", "slow:"} {
		m := New(Config{Getenv: func(name string) string {
			return map[string]string{DirVariable: t.TempDir(), FaultVariable: bad}[name]
		}})
		want(t, bad, m.Initialize(), rvGeneralError)
	}
}

func TestSlotEvents(t *testing.T) {
	m, dir := newModule(t, nil)
	id, rv := m.WaitForSlotEvent(eventDontBlock)
	must(t, rv)
	if id != 0 {
		t.Errorf("slot %d", id)
	}
	_, rv = m.WaitForSlotEvent(eventDontBlock)
	want(t, "nothing new", rv, rvNoEvent)
	type event struct {
		id uint64
		rv RV
	}
	got := make(chan event)
	wait := func() {
		id, rv := m.WaitForSlotEvent(0)
		got <- event{id, rv}
	}
	go wait()
	newContainer(t, dir, "k", "gost2012-256")
	if e := <-got; e != (event{1, RVOK}) {
		t.Errorf("%+v", e)
	}
	go wait()
	must(t, m.Finalize())
	if e := <-got; e.rv != rvCryptokiNotInitialized {
		t.Errorf("%+v", e)
	}
}

func TestCut(t *testing.T) {
	if got := cut(strings.Repeat("я", 20), 31); got != strings.Repeat("я", 15) {
		t.Errorf("%q", got)
	}
}
