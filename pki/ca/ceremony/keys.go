package ceremony

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

// keyRecord is what the folder keeps of a key: nothing that is secret.
type keyRecord struct {
	Name      string `json:"name"`
	PublicKey string `json:"publicKey"` // SubjectPublicKeyInfo in hexadecimal digits
	// Here is true where the key was made under this plan.
	Here bool `json:"here"`
	// Container is the Streebog-256 digest of the encrypted container.
	Container string `json:"container,omitempty"`
}

func (k *keyRecord) spki() []byte {
	b, _ := hex.DecodeString(k.PublicKey) // readRecord has decoded it
	return b
}

func recordName(key string) string { return filepath.Join("keys", key+".json") }

func (r *run) readRecord(k KeyStep) (*keyRecord, error) {
	name := recordName(k.Name)
	text, err := readFile(r.path(name))
	if err != nil {
		return nil, r.missing(name, err)
	}
	rec := new(keyRecord)
	if err := decodeJSON(text, rec); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if same, err := json.Marshal(rec); err != nil || string(text) != string(same)+"\n" {
		return nil, fmt.Errorf("%s: not as it was written", name)
	}
	spki, err := hex.DecodeString(rec.PublicKey)
	if err != nil || rec.Name != k.Name {
		return nil, fmt.Errorf("%s: not a record of the key %s", name, k.Name)
	}
	pub, err := alg.ParsePublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if got, want := alg.KeyName(pub), k.Algorithm+" "+k.ParamSet; got != want {
		return nil, fmt.Errorf("%s: the key is %s, the plan says %s", name, got, want)
	}
	return rec, nil
}

func (r *run) doKey(ctx context.Context, k KeyStep) error {
	have, err := r.exists(recordName(k.Name))
	if err != nil {
		return err
	}
	if !have {
		if err := r.makeKey(ctx, k); err != nil {
			return err
		}
	}
	rec, err := r.readRecord(k)
	if err != nil {
		return err
	}
	r.records[k.Name] = rec
	if rec.Here {
		r.say("ключ создан на этой церемонии", "the key was made at this ceremony")
	} else {
		r.say("ключ существовал до этой церемонии или о его создании нет записи", "the key existed before this ceremony, or nothing is known of its making")
	}
	r.say("открытый ключ (SubjectPublicKeyInfo), Стрибог-256:", "public key (SubjectPublicKeyInfo), Streebog-256:")
	r.fingerprint(DigestOf(rec.spki()).String())
	if rec.Container != "" {
		r.say("зашифрованный контейнер, Стрибог-256:", "encrypted container, Streebog-256:")
		r.fingerprint(rec.Container)
	}
	return nil
}

// makeKey opens or creates a key, tries it, and puts it on record.
func (r *run) makeKey(ctx context.Context, k KeyStep) error {
	key, err := r.o.Keys.Open(ctx, k)
	if errors.Is(err, ErrNoKey) {
		key, err = r.o.Keys.Create(ctx, k, r.plan.digest.String())
	}
	if err != nil {
		return err
	}
	r.opened[k.Name] = key
	if got, want := alg.KeyName(key.Signer.Public()), k.Algorithm+" "+k.ParamSet; got != want {
		return fmt.Errorf("the key %s is %s, the plan says %s", k.Name, got, want)
	}
	subject, err := pki.ParseDN("CN=" + k.Name)
	if err != nil {
		return err
	}
	csr, err := r.request(subject, key)
	if err != nil {
		return err
	}
	rec := keyRecord{Name: k.Name, PublicKey: hex.EncodeToString(csr.RawSubjectPublicKeyInfo), Here: key.Plan == r.plan.digest.String()}
	if k.Store == containerStore {
		rec.Container = DigestOf(key.Text).String()
	}
	text, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return r.write(recordName(k.Name), append(text, '\n'))
}

// request makes a request by which both paths see that a key signs. Nobody gets
// it.
func (r *run) request(subject pki.Name, key *Key) (*pki.CertificateRequest, error) {
	der, err := pki.CreateRequest(r.random(0, nil), &pki.RequestTemplate{Subject: subject}, key.Signer)
	if err != nil {
		return nil, err
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		return nil, err
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, &CheckError{firstPath, "request", err}
	}
	if _, _, err := second.CheckRequest(der); err != nil {
		return nil, &CheckError{SecondPath().Name(), "request", err}
	}
	return csr, nil
}

// key opens the private key of an authority, or of a step.
func (r *run) key(ctx context.Context, a *authority) (*Key, error) {
	if k := r.opened[a.key]; k != nil {
		return k, nil
	}
	var k *Key
	var err error
	if step := r.keyStep(a.key); step != nil {
		if k, err = r.o.Keys.Open(ctx, *step); err != nil {
			return nil, err
		}
	} else if k, err = r.o.Keys.Authority(ctx, r.path(a.folder)); err != nil {
		return nil, err
	}
	r.opened[a.key] = k
	if !alg.EqualKeys(k.Signer.Public(), a.public) {
		return nil, fmt.Errorf("%w: %s", ca.ErrKeyMismatch, a.name)
	}
	return k, nil
}

func (r *run) keyStep(name string) *KeyStep {
	for i := range r.plan.Steps {
		if k := r.plan.Steps[i].Key; k != nil && k.Name == name {
			return k
		}
	}
	return nil
}

// doBackup copies containers, reads the copies again and compares them.
func (r *run) doBackup(ctx context.Context, b *BackupStep) error {
	for _, name := range b.Keys {
		rec := r.records[name]
		if !r.readOnly && r.step > r.state.Done {
			if err := r.backup(ctx, r.keyStep(name), rec, filepath.Join(r.outside(b.To), name+".key")); err != nil {
				return err
			}
		}
		r.say("%s.key: копия совпадает с контейнером, Стрибог-256:", "%s.key: the copy equals the container, Streebog-256:", name)
		r.fingerprint(rec.Container)
	}
	return nil
}

func (r *run) backup(ctx context.Context, k *KeyStep, rec *keyRecord, path string) error {
	key := r.opened[k.Name]
	if key == nil {
		var err error
		if key, err = r.o.Keys.Open(ctx, *k); err != nil {
			return err
		}
		r.opened[k.Name] = key
	}
	if DigestOf(key.Text).String() != rec.Container {
		return fmt.Errorf("%w: %s", ErrContainer, k.Name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if old, err := readFile(path); err == nil && !bytes.Equal(old, key.Text) {
		return fmt.Errorf("%w: %s", ErrBackup, path)
	} else if err != nil {
		if err := files.Replace(path, tempPrefix, key.Text); err != nil {
			return err
		}
	}
	copied, err := readFile(path)
	if err == nil && !bytes.Equal(copied, key.Text) {
		err = fmt.Errorf("%s: the copy differs", path)
	}
	return err
}

// doDestroy only puts on record what happens when the transcript is signed.
func (r *run) doDestroy(d *DestroyStep) error {
	for _, name := range d.Keys {
		r.say("%s: рабочая копия уничтожается сразу после подписания этого протокола; остаются резервные копии", "%s: the working copy is destroyed as soon as this transcript is signed; the backups remain", name)
	}
	r.destroy = d.Keys
	return nil
}

// destroyKeys overwrites the working copies: in the folder of keys, and in the
// folders of authorities.
func (r *run) destroyKeys(ctx context.Context) error {
	for _, name := range r.destroy {
		for _, a := range r.authorities {
			if a.key != name {
				continue
			}
			if err := Wipe(r.path(a.folder, ca.KeyFile)); err != nil {
				return err
			}
		}
		if err := r.o.Keys.Destroy(ctx, *r.keyStep(name)); err != nil {
			return err
		}
	}
	return nil
}
