/* The drifting field of two small sets, through the installed library:
 *     cc field.c -o field $(pkg-config --cflags --libs libdrift) && ./field */
#include <drift.h>
#include <stdio.h>

int main(void)
{
    const float generated[3][2] = {{0, 0}, {0.1f, 0}, {0, 0.1f}}, positives[2][2] = {{1, 0}, {0, 1}};
    float field[3][2];
    drift_field_config config = drift_field_defaults(DRIFT_EXACT);
    drift_field_shape shape = {.batches = 1, .generated = 3, .positives = 2, .negatives = 0, .dim = 2};
    drift_field_report report;
    config.tau[0] = 0.5;
    if (drift_field(&config, &shape, generated[0], positives[0], NULL, NULL, NULL, NULL, field[0], &report)) {
        fprintf(stderr, "%s\n", drift_message());
        return 1;
    }
    for (int i = 0; i < 3; i++)
        printf("sample %d drifts by (%+.4f, %+.4f)\n", i, field[i][0], field[i][1]);
    printf("libdrift %s, mean square of the field %.4f\n", drift_version(), report.raw[0]);
    return 0;
}
