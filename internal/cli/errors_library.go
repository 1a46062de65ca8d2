package cli

import (
	"errors"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// libraryError turns the errors that the libraries name into sentences. nil
// means that err is none of them.
func libraryError(err error) *userError {
	for _, translate := range []func(error) *userError{
		tokenError, keyError, containerError, cryptoProError, signError, messageError, algorithmError, caError, ledgerError, nameError, fetchError, trustError, timeStampError,
	} {
		if u := translate(err); u != nil {
			return u
		}
	}
	return nil
}

var wrongPassword = text{
	"проверьте раскладку клавиатуры, регистр и файл пароля",
	"check the keyboard layout, the letter case and the password file",
}

// keyError translates refused keys and containers.
func keyError(err error) *userError {
	switch {
	case errors.Is(err, soft.ErrPassword), errors.Is(err, pfx.ErrPassword), errors.Is(err, alg.ErrPassword):
		return refusedf(text{"пароль не подошёл (или файл изменён)", "wrong password (or the file was changed)"}).withHint(wrongPassword)
	case errors.Is(err, soft.ErrDamaged), errors.Is(err, pfx.ErrDamaged):
		d := structureDetail(err)
		return newError(exitFailed, text{"файл ключа повреждён: " + d.ru, "the key file is damaged: " + d.en}).
			withHint(text{"возьмите резервную копию", "use a backup copy"})
	case errors.Is(err, alg.ErrKeyMismatch):
		return refusedf(text{"закрытый ключ не подходит к открытому, который записан рядом", "the private key does not belong to the public key beside it"}).
			withHint(text{"файл собран неверно: получите его ещё раз", "the file was put together wrongly: get it again"})
	case errors.Is(err, pfx.ErrNoKey):
		return failedf(text{"в файле нет закрытого ключа", "the file holds no private key"})
	}
	var other *pfx.NotKeyError
	if errors.As(err, &other) {
		k := kindTexts[other.Kind]
		return newError(exitFailed, text{"это " + k.ru + ", а не закрытый ключ", "this is " + k.en + ", not a private key"})
	}
	var unsupported *pfx.UnsupportedError
	if errors.As(err, &unsupported) {
		return failedf(text{"защита ключа пока не поддерживается: %s", "this protection of the key is not supported yet: %s"}, unsupported.OID.Name()).
			withHint(text{"выгрузите ключ в .pfx по RFC 9548 другой программой", "export the key to a .pfx by RFC 9548 with another program"})
	}
	return nil
}

// containerError translates what the store of containers refuses.
func containerError(err error) *userError {
	var name *soft.NameError
	switch {
	case errors.Is(err, soft.ErrNotFound):
		return failedf(text{"нет контейнера с таким именем", "there is no container of that name"}).
			withHint(text{"список: gosklyuch key list", "the list: gosklyuch key list"})
	case errors.Is(err, soft.ErrExists):
		return failedf(text{"контейнер с таким именем уже есть", "a container of that name exists already"}).
			withHint(text{"выберите другое имя", "choose another name"})
	case errors.Is(err, soft.ErrMismatch):
		return refusedf(text{"сертификат выдан на другой ключ, не на тот, что в контейнере", "the certificate does not belong to the key of this container"}).
			withHint(text{"проверьте имя контейнера и файл сертификата", "check the container's name and the certificate's file"})
	case errors.As(err, &name):
		return failedf(text{"имя контейнера «%s» не годится", "%q cannot be the name of a container: it " + name.Why}, name.Name).
			withHint(text{
				"можно: буквы, цифры, пробел и -_.@+(), не длиннее 64 знаков, не с точки, дефиса или пробела",
				"allowed: letters, digits, spaces and -_.@+(), at most 64 characters, not starting with a dot, a hyphen or a space",
			})
	}
	return nil
}

// signError translates what the sign package refuses.
func signError(err error) *userError {
	var period *sign.PeriodError
	var content *sign.OtherContentError
	var level *sign.LevelError
	var evidence *sign.EvidenceError
	var archived *sign.ArchivedError
	switch {
	case errors.As(err, &period):
		return periodError(period)
	case errors.Is(err, sign.ErrKeyMismatch):
		return refusedf(text{"ключ не подходит к сертификату", "the key does not belong to the certificate"}).
			withHint(text{"укажите сертификат этого ключа: --cert", "give the certificate of this key with --cert"})
	case errors.Is(err, sign.ErrKeyUsage):
		return refusedf(text{"сертификат не предназначен для подписи документов", "the certificate is not meant for signing documents"})
	case errors.As(err, &content):
		return newErrorf(exitInvalid, text{"подпись %d в файле сделана под другим документом", "signature %d in the file is about another document"}, content.Signer+1).
			withHint(text{"проверьте, тот ли документ указан", "check that this is the right document"})
	case errors.As(err, &level):
		return usageErrorf(text{"подпись уровня %s так сделать нельзя", "a signature of level %s cannot be made this way"}, level.Level).
			withHint(text{"сначала подпишите, затем усильте: gosklyuch raise", "sign first, then raise it: gosklyuch raise"})
	case errors.As(err, &archived):
		return failedf(text{
			"у подписи %d архивная метка старого образца (v2): любое добавление сделает её недействительной",
			"signature %d has an archive time stamp of the old form (v2): anything added would break it",
		}, archived.Signer+1)
	case errors.Is(err, sign.ErrNothingToRaise):
		return failedf(text{"все подписи уже не ниже этого уровня", "every signature has that level already"})
	case errors.As(err, &evidence):
		return newErrorf(exitIndeterminate, text{
			"подпись %d: не хватает доказательств для этого уровня", "signature %d: there is not enough evidence for this level",
		}, evidence.Signer+1).withHint(text{
			"нужны сведения об отзыве (--crl, --ocsp) и сертификаты УЦ (--intermediate) или доступ к сети",
			"revocation data (--crl, --ocsp) and authority certificates (--intermediate) are needed, or the network",
		})
	case errors.Is(err, sign.ErrNoDocument):
		return usageError(text{"подпись отделённая: нужен сам документ", "the signature is detached: the document is needed"})
	}
	return nil
}

// periodError names the date that was missed.
func periodError(p *sign.PeriodError) *userError {
	return periodOf(p.PrivateKey, p.NotBefore, p.NotAfter, p.At)
}

// periodOf says which date of a certificate or of its private key was missed.
func periodOf(private bool, from, until, at time.Time) *userError {
	what := text{"сертификата", "the certificate"}
	if private {
		what = text{"ключа подписи", "the private key"}
	}
	if at.Before(from) {
		return newError(exitRefused, text{"срок действия " + what.ru + " начнётся " + stamp(from), what.en + " may be used from " + stamp(from) + " on"}).
			withHint(text{"проверьте часы компьютера", "check the computer's clock"})
	}
	return newError(exitRefused, text{"срок действия " + what.ru + " истёк " + stamp(until), what.en + " could be used until " + stamp(until)}).
		withHint(text{"получите новый сертификат", "get a new certificate"})
}

// algorithmError translates algorithms that are unknown or do not fit, and
// messages of another kind.
func algorithmError(err error) *userError {
	var unknown *alg.UnknownError
	if errors.As(err, &unknown) {
		return failedf(text{"неизвестный алгоритм (%s): %s", "unknown algorithm (%s): %s"}, unknown.Kind, unknown.OID.Name())
	}
	var mismatch *alg.MismatchError
	if errors.As(err, &mismatch) {
		return failedf(text{"ключ %s и хэш %s не сочетаются", "the key %s and the digest %s do not fit together"}, mismatch.Key, mismatch.Digest)
	}
	if errors.Is(err, der.ErrEmpty) {
		return failedf(text{"файл пуст", "the file is empty"})
	}
	return nil
}

// messageError translates what package cms says about a message as a whole.
func messageError(err error) *userError {
	var kind *cms.KindError
	switch {
	case errors.As(err, &kind):
		is, want := kindTexts[kind.Kind], kindTexts[kind.Want]
		return newError(exitFailed, text{"это " + is.ru + ", а не " + want.ru, "this is " + is.en + ", not " + want.en}).
			withHint(text{"проверьте, тот ли файл указан", "check that this is the file you meant"})
	case errors.Is(err, cms.ErrNoContent):
		return usageError(text{"подпись отделённая: нужен сам документ", "the signature is detached: the document is needed"})
	case errors.Is(err, cms.ErrContentChanged):
		return failedf(text{"документ изменился, пока его подписывали", "the document changed while it was being signed"}).
			withHint(text{"закройте программу, которая его меняет, и повторите", "close the program that changes it and try again"})
	}
	return nil
}

// inKey names the key in an error about it.
func inKey(name string, err error) error {
	if u := libraryError(err); u != nil {
		u.message = text{name + ": " + u.message.ru, name + ": " + u.message.en}
		return u.withCause(err)
	}
	var u *userError
	if errors.As(err, &u) || systemError(err) != nil {
		return err
	}
	d := structureDetail(err)
	return newError(exitFailed, text{name + ": ключ не читается: " + d.ru, name + ": the key cannot be read: " + d.en}).withCause(err)
}
