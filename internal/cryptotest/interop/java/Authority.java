import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.SignatureException;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cmp.PKIStatus;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampRequestGenerator;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampResponseGenerator;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.tsp.TimeStampTokenGenerator;
import org.bouncycastle.util.Arrays;
import org.bouncycastle.util.CollectionStore;

/** Requests and responses of the Time-Stamp Protocol. */
final class Authority {
    static final ASN1ObjectIdentifier STREEBOG_256 = new ASN1ObjectIdentifier("1.2.643.7.1.1.2.2");
    private static final ASN1ObjectIdentifier POLICY = new ASN1ObjectIdentifier("1.2.3.4");

    private Authority() {}

    private static DigestCalculatorProvider digests() throws Exception {
        return new JcaDigestCalculatorProviderBuilder().setProvider(Keys.PROVIDER).build();
    }

    /** request-stamp DOCUMENT OUT: with a nonce and certReq. */
    static String request(Peer.Arguments a) throws Exception {
        byte[] document = a.bytes();
        Files.write(a.file(), request(document).getEncoded());
        return "request";
    }

    private static TimeStampRequest request(byte[] content) throws Exception {
        var g = new TimeStampRequestGenerator();
        g.setCertReq(true);
        return g.generate(STREEBOG_256, digest(STREEBOG_256, content), new BigInteger(60, new SecureRandom()));
    }

    static byte[] digest(ASN1ObjectIdentifier algorithm, byte[] content) throws Exception {
        var calculator = digests().get(new AlgorithmIdentifier(algorithm));
        calculator.getOutputStream().write(content);
        return calculator.getDigest();
    }

    /** answer-stamp REQUEST CERT KEY OUT. */
    static String answer(Peer.Arguments a) throws Exception {
        var request = new TimeStampRequest(a.der());
        X509CertificateHolder c = Certificates.read(a);
        Keys.Pair k = Certificates.readKey(a);
        Path out = a.file();
        Files.write(out, answer(request, c, k).getEncoded());
        return "response";
    }

    /** A token over some octets. */
    static TimeStampToken token(byte[] content, X509CertificateHolder c, Keys.Pair k) throws Exception {
        return answer(request(content), c, k).getTimeStampToken();
    }

    private static TimeStampResponse answer(TimeStampRequest request, X509CertificateHolder c, Keys.Pair k) throws Exception {
        SignerInfoGenerator signer = new JcaSignerInfoGeneratorBuilder(digests()).build(Keys.signer(k), c);
        var calculator = digests().get(new AlgorithmIdentifier(STREEBOG_256));
        var tokens = new TimeStampTokenGenerator(signer, calculator, POLICY);
        tokens.addCertificates(new CollectionStore<>(List.of(c)));
        var responses = new TimeStampResponseGenerator(tokens, Set.of(STREEBOG_256.getId()));
        return responses.generate(request, BigInteger.valueOf(77), new Date());
    }

    /** verify-stamp RESPONSE DOCUMENT ROOT SUB: granted, for this document, by an authority whose chain holds. */
    static String verifyOf(Peer.Arguments a) throws Exception {
        var response = new TimeStampResponse(a.der());
        byte[] document = a.bytes();
        X509CertificateHolder root = Certificates.read(a);
        X509CertificateHolder sub = Certificates.read(a);
        TimeStampToken token = response.getTimeStampToken();
        if (response.getStatus() != PKIStatus.GRANTED || token == null) {
            throw new SignatureException("no token: " + response.getStatusString());
        }
        X509CertificateHolder c = Stamps.authority(token);
        Certificates.path(root, sub, c);
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider(Keys.PROVIDER).build(c));
        byte[] imprint = token.getTimeStampInfo().getMessageImprintDigest();
        if (!Arrays.areEqual(imprint, digest(token.getTimeStampInfo().getMessageImprintAlgOID(), document))) {
            throw new SignatureException("the time stamp is about another document");
        }
        return "token";
    }

    /** verify-response REQUEST RESPONSE CERT: granted, for this request, by this authority. */
    static String verify(Peer.Arguments a) throws Exception {
        var request = new TimeStampRequest(a.der());
        var response = new TimeStampResponse(a.der());
        X509CertificateHolder c = Certificates.read(a);
        response.validate(request);
        if (response.getTimeStampToken() == null) {
            throw new SignatureException("no token: " + response.getStatusString());
        }
        response.getTimeStampToken().validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider(Keys.PROVIDER).build(c));
        return "token";
    }
}
