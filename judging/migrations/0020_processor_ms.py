from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0019_unmeasured_files'),
    ]

    operations = [
        migrations.AddField(
            model_name='rendering',
            name='processor_ms',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='measurement',
            name='processor_ms',
            field=models.PositiveIntegerField(null=True),
        ),
    ]
