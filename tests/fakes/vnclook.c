/* libvncclient's view of a desktop: oriel-test-vnclook HOST PORT CA USER PPM, password in ORIEL_LOOK_PASSWORD.
 * Writes the picture whenever it has been still for a moment, until it is ended. Exits 1 when it can't get in. */
#include <rfb/rfbclient.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS 6
#define STILL_US 300000
#define NAME_BYTES 4096

static const char *ca, *user; /* libvncclient's hooks have no context of their own */

static rfbCredential *on_credential(rfbClient *client, int type)
{
    rfbCredential *credential = calloc(1, sizeof(*credential));
    (void)client;
    if (credential == NULL) {
        return NULL;
    }
    if (type == rfbCredentialTypeX509) {
        credential->x509Credential.x509CACertFile = strdup(ca);
    } else {
        const char *password = getenv("ORIEL_LOOK_PASSWORD");
        credential->userCredential.username = strdup(user);
        credential->userCredential.password = strdup(password != NULL ? password : "");
    }
    return credential;
}

/* By a new name, so that nobody reads half of it. */
static bool write_picture(const rfbClient *client, const char *path)
{
    char name[NAME_BYTES];
    if (snprintf(name, sizeof(name), "%s.new", path) >= (int)sizeof(name)) {
        return false;
    }
    FILE *file = fopen(name, "wb");
    if (file == NULL) {
        return false;
    }
    bool is_ok = fprintf(file, "P6\n%d %d\n255\n", client->width, client->height) > 0;
    const size_t count = (size_t)client->width * (size_t)client->height;
    for (size_t i = 0; is_ok && i < count; i++) {
        is_ok = fwrite(client->frameBuffer + i * 4, 1, 3, file) == 3;
    }
    return fclose(file) == 0 && is_ok && rename(name, path) == 0;
}

static int watch(rfbClient *client, const char *path)
{
    bool is_due = false;
    for (;;) {
        const int ready = WaitForMessage(client, STILL_US);
        if (ready < 0 || (ready > 0 && !HandleRFBServerMessage(client))) {
            return 0;
        }
        is_due = is_due || ready > 0;
        if (ready == 0 && is_due) {
            is_due = false;
            if (!write_picture(client, path)) {
                return 1;
            }
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != ARGS) {
        (void)fprintf(stderr, "usage: %s HOST PORT CA USER PPM\n", argv[0]);
        return 1;
    }
    rfbClient *client = rfbGetClient(8, 3, 4);
    if (client == NULL) {
        return 1;
    }
    ca = argv[3];
    user = argv[4];
    client->canHandleNewFBSize = TRUE;
    client->GetCredential = on_credential;
    client->serverHost = strdup(argv[1]);
    client->serverPort = (int)strtol(argv[2], NULL, 10);
    if (!rfbInitClient(client, NULL, NULL)) {
        return 1; /* it has freed client */
    }
    const int code = watch(client, argv[5]);
    rfbClientCleanup(client);
    return code;
}
