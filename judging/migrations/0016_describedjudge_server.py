from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("judging", "0015_shadow")]

    operations = [
        migrations.AddField(
            model_name="describedjudge",
            name="server",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
    ]
