package cli

import (
	"errors"

	"github.com/gosklyuch/gosklyuch/pki/pfx"
	"github.com/gosklyuch/gosklyuch/token/cryptopro"
)

// cryptoProError translates what CryptoPro containers and keys refuse.
func cryptoProError(err error) *userError {
	var damaged *cryptopro.DamagedError
	var unsupported *cryptopro.UnsupportedError
	switch {
	case errors.Is(err, cryptopro.ErrPassword):
		return refusedf(text{"пароль контейнера не подошёл", "wrong password of the container"}).withHint(wrongPassword)
	case errors.Is(err, cryptopro.ErrForeignHeader):
		return failedf(text{"файл header.key от другого контейнера", "header.key belongs to another container"}).
			withHint(text{"скопируйте папку контейнера заново, все шесть файлов вместе", "copy the container's folder anew, all six files together"})
	case errors.As(err, &damaged):
		return failedf(text{"повреждён файл контейнера %s", "the container's file %s is damaged"}, damaged.File).
			withHint(text{"скопируйте папку контейнера заново или возьмите резервную копию", "copy the container's folder anew or use a backup copy"})
	case errors.Is(err, cryptopro.ErrDamaged):
		return failedf(text{"контейнер повреждён", "the container is damaged"}).
			withHint(text{"возьмите резервную копию", "use a backup copy"})
	case errors.As(err, &unsupported):
		return failedf(text{"контейнер нового вида (КриптоПро CSP 5) не поддерживается", "this kind of container (CryptoPro CSP 5) is not supported"}).
			withHint(text{"скопируйте ключ в КриптоПро в контейнер старого вида или выгрузите в .pfx", "copy the key with CryptoPro to a container of the older kind, or export it to a .pfx"})
	case errors.Is(err, pfx.ErrNotExportable):
		return refusedf(text{"владелец запретил выгружать этот ключ", "its owner has forbidden to export this key"}).
			withHint(text{"подписывать им можно", "it can sign"})
	}
	return nil
}
