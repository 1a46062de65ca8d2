import java.io.IOException;
import java.math.BigInteger;
import java.security.KeyException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.util.Map;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.cryptopro.ECGOST3410NamedCurves;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.rosstandart.RosstandartObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.jcajce.provider.asymmetric.ecgost12.KeyFactorySpi;
import org.bouncycastle.jcajce.provider.util.AsymmetricKeyInfoConverter;
import org.bouncycastle.jce.interfaces.ECPrivateKey;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.Arrays;
import org.bouncycastle.util.BigIntegers;

/**
 * Keys on all parameter sets. Bouncy Castle 1.72 parses no key whose digestParamSet is absent (the form of RFC 9215,
 * section 4.2, for the TC26 sets) and has no tc26-256-B, -C, -D, which are the CryptoPro curves A, B, C under other
 * identifiers. So a converter in front of its own one completes the parameters.
 */
final class Keys {
    static final String PROVIDER = BouncyCastleProvider.PROVIDER_NAME;

    private static final String TC26_256 = "1.2.643.7.1.2.1.1";
    private static final String TC26_512_C = "1.2.643.7.1.2.1.2.3";
    private static final Map<String, String> SAME_CURVE = Map.of(
            TC26_256 + ".2", "1.2.643.2.2.35.1",
            TC26_256 + ".3", "1.2.643.2.2.35.2",
            TC26_256 + ".4", "1.2.643.2.2.35.3");

    private Keys() {}

    /** A private key with the two encodings in which it is written. */
    record Pair(PrivateKeyInfo secret, SubjectPublicKeyInfo open) {}

    /** Registers the provider once: a second instance would put its own key converters back. */
    static void register() {
        var provider = new BouncyCastleProvider();
        Security.addProvider(provider);
        provider.addKeyInfoConverter(RosstandartObjectIdentifiers.id_tc26_gost_3410_12_256, new Converter());
        provider.addKeyInfoConverter(RosstandartObjectIdentifiers.id_tc26_gost_3410_12_512, new Converter());
    }

    static String version() {
        return Security.getProvider(PROVIDER).getVersionStr();
    }

    static final class Converter implements AsymmetricKeyInfoConverter {
        private final KeyFactorySpi stock = new KeyFactorySpi();

        @Override
        public PrivateKey generatePrivate(PrivateKeyInfo k) throws IOException {
            return stock.generatePrivate(complete(k));
        }

        @Override
        public PublicKey generatePublic(SubjectPublicKeyInfo k) throws IOException {
            return stock.generatePublic(complete(k));
        }
    }

    static SubjectPublicKeyInfo complete(SubjectPublicKeyInfo k) {
        return new SubjectPublicKeyInfo(complete(k.getAlgorithm()), k.getPublicKeyData().getBytes());
    }

    private static PrivateKeyInfo complete(PrivateKeyInfo k) {
        return pkcs8(complete(k.getPrivateKeyAlgorithm()), k.getPrivateKey().getOctets());
    }

    /** PKCS #8 around the octets of a private key, as they are. */
    private static PrivateKeyInfo pkcs8(AlgorithmIdentifier a, byte[] octets) {
        return PrivateKeyInfo.getInstance(new DERSequence(new ASN1Encodable[] {new ASN1Integer(0), a, new DEROctetString(octets)}));
    }

    private static AlgorithmIdentifier complete(AlgorithmIdentifier a) {
        ASN1Sequence p = ASN1Sequence.getInstance(a.getParameters());
        String set = setOf(a);
        var v = new ASN1EncodableVector();
        v.add(new ASN1ObjectIdentifier(SAME_CURVE.getOrDefault(set, set)));
        v.add(p.size() > 1 ? p.getObjectAt(1) : digest(is512(a)));
        return new AlgorithmIdentifier(a.getAlgorithm(), new DERSequence(v));
    }

    private static String setOf(AlgorithmIdentifier a) {
        ASN1Sequence p = ASN1Sequence.getInstance(a.getParameters());
        return ASN1ObjectIdentifier.getInstance(p.getObjectAt(0)).getId();
    }

    static boolean is512(AlgorithmIdentifier a) {
        return RosstandartObjectIdentifiers.id_tc26_gost_3410_12_512.equals(a.getAlgorithm());
    }

    static ASN1ObjectIdentifier digest(boolean big) {
        return big ? RosstandartObjectIdentifiers.id_tc26_gost_3411_12_512
                : RosstandartObjectIdentifiers.id_tc26_gost_3411_12_256;
    }

    private static X9ECParameters curve(String set) {
        return ECGOST3410NamedCurves.getByOIDX9(new ASN1ObjectIdentifier(SAME_CURVE.getOrDefault(set, set)));
    }

    /** Makes a key on a parameter set and writes its parameters as RFC 9215, section 4.2, says. */
    static Pair generate(String set) throws IOException {
        X9ECParameters c = curve(set);
        boolean big = set.startsWith("1.2.643.7.1.2.1.2.");
        BigInteger d = BigIntegers.createRandomInRange(BigInteger.ONE, c.getN().subtract(BigInteger.ONE), new SecureRandom());
        var v = new ASN1EncodableVector();
        v.add(new ASN1ObjectIdentifier(set));
        if (!set.startsWith(TC26_256) && !set.equals(TC26_512_C)) {
            v.add(digest(big));
        }
        var a = new AlgorithmIdentifier(big ? RosstandartObjectIdentifiers.id_tc26_gost_3410_12_512
                : RosstandartObjectIdentifiers.id_tc26_gost_3410_12_256, new DERSequence(v));
        byte[] scalar = Arrays.reverse(BigIntegers.asUnsignedByteArray(big ? 64 : 32, d));
        return new Pair(pkcs8(a, scalar), new SubjectPublicKeyInfo(a, new DEROctetString(point(c, d, scalar.length))));
    }

    /** The public key of a scalar: both coordinates little-endian. */
    private static byte[] point(X9ECParameters c, BigInteger d, int size) {
        ECPoint q = c.getG().multiply(d).normalize();
        return Arrays.concatenate(
                Arrays.reverse(BigIntegers.asUnsignedByteArray(size, q.getAffineXCoord().toBigInteger())),
                Arrays.reverse(BigIntegers.asUnsignedByteArray(size, q.getAffineYCoord().toBigInteger())));
    }

    /** Reads PKCS #8 with Bouncy Castle's own key factory and derives the public key. */
    static Pair read(PrivateKeyInfo k) throws IOException {
        AlgorithmIdentifier a = k.getPrivateKeyAlgorithm();
        BigInteger d = ((ECPrivateKey) stock(k)).getD();
        byte[] q = point(curve(setOf(a)), d, is512(a) ? 64 : 32);
        return new Pair(k, new SubjectPublicKeyInfo(a, new DEROctetString(q)));
    }

    private static PrivateKey stock(PrivateKeyInfo k) throws IOException {
        return new Converter().generatePrivate(k);
    }

    /** Refuses a key that is not the certificate's. */
    static void mustMatch(Pair k, SubjectPublicKeyInfo certified) throws KeyException {
        if (!Arrays.areEqual(k.open().getPublicKeyData().getBytes(), certified.getPublicKeyData().getBytes())) {
            throw new KeyException("the key does not belong to the certificate");
        }
    }

    /** Bouncy Castle's own signature over its own digest. */
    static ContentSigner signer(Pair k) throws Exception {
        String bits = is512(k.open().getAlgorithm()) ? "512" : "256";
        return new JcaContentSignerBuilder("GOST3411-2012-" + bits + "WITHECGOST3410-2012-" + bits)
                .setProvider(PROVIDER).build(stock(k.secret()));
    }
}
