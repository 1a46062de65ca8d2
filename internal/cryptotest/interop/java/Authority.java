import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.SignatureException;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
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
import org.bouncycastle.tsp.TimeStampTokenGenerator;
import org.bouncycastle.util.CollectionStore;

/** Requests and responses of the Time-Stamp Protocol. */
final class Authority {
    private static final ASN1ObjectIdentifier STREEBOG_256 = new ASN1ObjectIdentifier("1.2.643.7.1.1.2.2");
    private static final ASN1ObjectIdentifier POLICY = new ASN1ObjectIdentifier("1.2.3.4");

    private Authority() {}

    private static DigestCalculatorProvider digests() throws Exception {
        return new JcaDigestCalculatorProviderBuilder().setProvider(Keys.PROVIDER).build();
    }

    /** request-stamp DOCUMENT OUT: with a nonce and certReq. */
    static String request(Peer.Arguments a) throws Exception {
        byte[] document = a.bytes();
        Path out = a.file();
        var calculator = digests().get(new AlgorithmIdentifier(STREEBOG_256));
        calculator.getOutputStream().write(document);
        var g = new TimeStampRequestGenerator();
        g.setCertReq(true);
        Files.write(out, g.generate(STREEBOG_256, calculator.getDigest(), new BigInteger(60, new SecureRandom())).getEncoded());
        return "request";
    }

    /** answer-stamp REQUEST CERT KEY OUT. */
    static String answer(Peer.Arguments a) throws Exception {
        var request = new TimeStampRequest(a.der());
        X509CertificateHolder c = Certificates.read(a);
        Keys.Pair k = Certificates.readKey(a);
        Path out = a.file();
        SignerInfoGenerator signer = new JcaSignerInfoGeneratorBuilder(digests()).build(Keys.signer(k), c);
        var calculator = digests().get(new AlgorithmIdentifier(STREEBOG_256));
        var tokens = new TimeStampTokenGenerator(signer, calculator, POLICY);
        tokens.addCertificates(new CollectionStore<>(List.of(c)));
        var responses = new TimeStampResponseGenerator(tokens, Set.of(STREEBOG_256.getId()));
        TimeStampResponse r = responses.generate(request, BigInteger.valueOf(77), new Date());
        Files.write(out, r.getEncoded());
        return "response";
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
