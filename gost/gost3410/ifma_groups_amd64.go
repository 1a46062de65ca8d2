//go:build amd64 && !purego

package gost3410

import "github.com/gosklyuch/gosklyuch/gost/internal/field"

// laneGroups are the curves that have lanes.
var laneGroups = [domainCount]*laneGroup{
	domainA256: (&laneGroup{
		limbs: 5, n: 4,
		p:   lanePrime(field.Scalar{0xfffffffffffffd97, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}, 4),
		gx:  field.Scalar{0x1},
		gy:  field.Scalar{0x22acc99c9e9f1e14, 0x35294f2ddf23e3b1, 0x27df505a453f2b76, 0x8d91e471e0989cda},
		mul: ifmaMul256m617,
	}).weierstrass(laneWeierstrass{
		spread: ifmaSpread256m617, chooseEntry: ifmaChoose256m617, doubleN: ifmaDouble256m617, add: ifmaAdd256m617,
		addCoZ: ifmaAddCoZ256m617, scale: ifmaScale256m617,
	}),
	domainB256: (&laneGroup{
		limbs: 5, n: 4,
		p:   lanePrime(field.Scalar{0xc99, 0x0, 0x0, 0x8000000000000000}, 4),
		gx:  field.Scalar{0x1},
		gy:  field.Scalar{0x744bf8d717717efc, 0xc545c9858d03ecfb, 0xb83d1c3eb2c070e5, 0x3fa8124359f96680},
		mul: ifmaMul255p3225,
	}).weierstrass(laneWeierstrass{
		spread: ifmaSpread255p3225, chooseEntry: ifmaChoose255p3225, doubleN: ifmaDouble255p3225, add: ifmaAdd255p3225,
		addCoZ: ifmaAddCoZ255p3225, scale: ifmaScale255p3225,
	}),
	domainC256: (&laneGroup{
		limbs: 5, n: 4,
		p:   lanePrime(field.Scalar{0x7998f7b9022d759b, 0xcf846e86789051d3, 0xab1ec85e6b41c8aa, 0x9b9f605f5a858107}, 4),
		gx:  field.Scalar{},
		gy:  field.Scalar{0x366e550dfdb3bb67, 0x4d4dc440d4641a8f, 0x3cbf3783cd08c0ee, 0x41ece55743711a8c},
		mul: ifmaMul256c,
	}).montgomery().weierstrass(laneWeierstrass{
		spread: ifmaSpread256c, chooseEntry: ifmaChoose256c, doubleN: ifmaDouble256c, add: ifmaAdd256c,
		addCoZ: ifmaAddCoZ256c, scale: ifmaScale256c,
	}),
	domainA512: (&laneGroup{
		limbs: 10, n: 8,
		p:   lanePrime(field.Scalar{0xfffffffffffffdc7, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}, 8),
		gx:  field.Scalar{0x3},
		gy:  field.Scalar{0x89a589cb5215f2a4, 0x8028fe5fc235f5b8, 0x3d75e6a50e3a41e9, 0xdf1626be4fd036e9, 0x778064fdcbefa921, 0xce5e1c93acf1abc1, 0xa61b8816e25450e6, 0x7503cfe87a836ae3},
		mul: ifmaMul512m569,
	}).weierstrass(laneWeierstrass{
		spread: ifmaSpread512m569, chooseEntry: ifmaChoose512m569, doubleN: ifmaDouble512m569, add: ifmaAdd512m569,
		addCoZ: ifmaAddCoZ512m569, scale: ifmaScale512m569,
	}),
	domainB512: (&laneGroup{
		limbs: 10, n: 8,
		p:   lanePrime(field.Scalar{0x6f, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x8000000000000000}, 8),
		gx:  field.Scalar{0x2},
		gy:  field.Scalar{0x7e21340780fe41bd, 0x28041055f94ceeec, 0x152cbcaaf8c03988, 0xdcb228fd1edf4a39, 0xbe6dd9e6c8ec7335, 0x3c123b697578c213, 0x2c071e3647a8940f, 0x1a8f7eda389b094c},
		mul: ifmaMul511p111,
	}).weierstrass(laneWeierstrass{
		spread: ifmaSpread511p111, chooseEntry: ifmaChoose511p111, doubleN: ifmaDouble511p111, add: ifmaAdd511p111,
		addCoZ: ifmaAddCoZ511p111, scale: ifmaScale511p111,
	}),
	domainTCA256: (&laneGroup{
		limbs: 5, n: 4,
		p:   lanePrime(field.Scalar{0xfffffffffffffd97, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}, 4),
		gx:  field.Scalar{0x8b2582fe742daa28, 0x658b9196932e02c7, 0x880923425712b2bb, 0x91e38443a5e82c0d},
		gy:  field.Scalar{0xaf268adb32322e5c, 0x5fde0b5344766740, 0x895786c4bb46e956, 0x32879423ab1a0375},
		mul: ifmaMul256m617,
	}).edwards(laneEdwards{
		d:               field.Scalar{0xe522c32d6dc7bffb, 0x2b9df62897009af7, 0x578bc39cfad51813, 0x605f6b7c183fa81},
		s:               field.Scalar{0x6b74f34a48e0ecd, 0x35188275da3fd942, 0xaa1d0f18c14ab9fb, 0x7e7e82520f9f015f},
		t:               field.Scalar{0xa63075dce7a14aaa, 0x8744fe5c192ac47e, 0x8e974b44d478d958, 0x100fe73f595ff15},
		fromWeierstrass: ifmaEdwardsMap256m617, doubleN: ifmaEdwardsDouble256m617,
		add: ifmaEdwardsAdd256m617, addAffine: ifmaEdwardsAddAffine256m617,
		spread: ifmaEdwardsSpread256m617, choose: ifmaEdwardsChoose256m617, chooseAffine: ifmaEdwardsChooseAffine256m617,
	}),
	domainC512: (&laneGroup{
		limbs: 10, n: 8,
		p:   lanePrime(field.Scalar{0xfffffffffffffdc7, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}, 8),
		gx:  field.Scalar{0xc5bc7928c1950148, 0xc6fb85487eae97aa, 0xa7b9033db9ed3610, 0xa27272a7ae602bf2, 0xd385f7074cea043a, 0x2295b7a9cbaef021, 0xebe241ce593ef5de, 0xe2e31edfc23de7bd},
		gy:  field.Scalar{0xd0396e9a9addc40f, 0x4f726aa854bae07, 0xef32d85822423b63, 0xe18e2d33e3021ed2, 0x8c108c3d2090ff9b, 0x7939804d6527378b, 0xabbccff5911cb857, 0xf5ce40d95b5eb899},
		mul: ifmaMul512m569,
	}).edwards(laneEdwards{
		d:               field.Scalar{0xca302dbb33ee7550, 0x91a0cfc2bc2a22b4, 0x4e2ce43e79e369e, 0xa6b39e0a515c06b3, 0xde28a0621050439c, 0xab402d54198e31eb, 0x13a5cf3cdf5bfe4d, 0x9e4f5d8c017d8d9f},
		s:               field.Scalar{0xcd73f4913304621e, 0x5b97cc0f50f57752, 0x3ec74c6f06187258, 0xd653187d6ba8fe53, 0x875d7e77bebef18, 0x952ff4aaf99c7385, 0x3b168c30c829006c, 0x186c289cffa09c98},
		t:               field.Scalar{0x21b2b249ddfd1271, 0x6d9acd4b1f5c5b1e, 0xd625cd0b5145091a, 0xc6734501b83a011d, 0xfa5c1abb02b80b44, 0x9c8ab238aeed0851, 0xd89ba28a2539ffb7, 0x9a628f975594ecef},
		fromWeierstrass: ifmaEdwardsMap512m569, doubleN: ifmaEdwardsDouble512m569,
		add: ifmaEdwardsAdd512m569, addAffine: ifmaEdwardsAddAffine512m569,
		spread: ifmaEdwardsSpread512m569, choose: ifmaEdwardsChoose512m569, chooseAffine: ifmaEdwardsChooseAffine512m569,
	}),
}
